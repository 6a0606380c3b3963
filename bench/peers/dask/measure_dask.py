"""Measures Dask alone, by its own client: measure_dask.py ADDRESS WORKERS SPIN_SECONDS. See answering.py for the rest."""

import sys

import distributed

from answering import answer_jobs
from raw_jobs import raw_jobs

if __name__ == "__main__":
    address, workers, spin_seconds = sys.argv[1:]
    with distributed.Client(address) as client:
        client.wait_for_workers(int(workers), timeout=60)
        jobs = raw_jobs(
            lambda function, argument: client.submit(function, argument, pure=False).result(),
            lambda function, *lists: client.gather(client.map(function, *lists, pure=False)),
            float(spin_seconds),
        )
        answer_jobs(f"dask {distributed.__version__}", jobs)
