"""Measures Dask alone, by its own client: measure_dask.py ADDRESS WORKERS SPIN_SECONDS. See answering.py for the rest."""

import os
import sys
from functools import cache

import distributed

from answering import answer_jobs
from dask_jobs import echo, noop
from spin import calibrate, spin, timed

PAYLOAD = os.urandom(1 << 20)


def measure(client: distributed.Client, spin_seconds: float):
    rounds = cache(lambda: calibrate(spin_seconds))

    def noop_trips(n):
        return [timed(lambda item=item: client.submit(noop, item, pure=False).result()) for item in range(n)]

    def noop_map(n):
        return [timed(lambda: client.gather(client.map(noop, range(n), pure=False)))]

    def echo_trips(n):
        return [timed(lambda: client.submit(echo, PAYLOAD, pure=False).result()) for _ in range(n)]

    def spin_all(n):
        """Seconds of the jobs one after the other in this process, then on the cluster at once."""
        steps = rounds()
        sequential = timed(lambda: [spin(seed, steps) for seed in range(n)])
        parallel = timed(lambda: client.gather(client.map(spin, range(n), [steps] * n, pure=False)))
        return [sequential, parallel]

    return {"noop-trips": noop_trips, "noop-map": noop_map, "echo-trips": echo_trips, "spin-all": spin_all}


if __name__ == "__main__":
    address, workers, spin_seconds = sys.argv[1:]
    with distributed.Client(address) as client:
        client.wait_for_workers(int(workers), timeout=60)
        answer_jobs(f"dask {distributed.__version__}", measure(client, float(spin_seconds)))
