"""Measures Prefect on Ray: measure_prefect_ray.py ADDRESS WORKERS SPIN_SECONDS, with PREFECT_API_URL set. See answering.py for the rest."""

import sys
from importlib.metadata import version

import ray
from prefect_ray import RayTaskRunner

from answering import answer_jobs
from prefect_jobs import prefect_jobs
from ray_workers import wait_for_workers

if __name__ == "__main__":
    address, workers, spin_seconds = sys.argv[1:]
    # Connected once, which the task runner finds: else each flow run connects anew, and Ray starts workers anew for it.
    with ray.init(address=address, logging_level="ERROR"):
        wait_for_workers(int(workers))
        jobs = prefect_jobs(lambda: RayTaskRunner(address=address), float(spin_seconds))
        answer_jobs(f"prefect-ray {version('prefect-ray')}", jobs)
