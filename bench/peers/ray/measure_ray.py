"""Measures Ray alone, by its own client: measure_ray.py ADDRESS WORKERS SPIN_SECONDS. See answering.py for the rest."""

import sys
from functools import cache

import ray

from answering import answer_jobs
from raw_jobs import raw_jobs
from ray_workers import wait_for_workers

# A remote function is made once, as a decorator would.
remote = cache(ray.remote)

if __name__ == "__main__":
    address, workers, spin_seconds = sys.argv[1:]
    with ray.init(address=address, logging_level="ERROR"):
        wait_for_workers(int(workers))
        jobs = raw_jobs(
            lambda function, argument: ray.get(remote(function).remote(argument)),
            lambda function, *lists: ray.get([remote(function).remote(*arguments) for arguments in zip(*lists)]),
            float(spin_seconds),
        )
        answer_jobs(f"ray {ray.__version__}", jobs)
