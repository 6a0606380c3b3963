"""Measures Prefect on Dask: measure_prefect_dask.py ADDRESS WORKERS SPIN_SECONDS, with PREFECT_API_URL set. See answering.py for the rest."""

import sys
from importlib.metadata import version

from prefect_dask import DaskTaskRunner

from answering import answer_jobs
from prefect_jobs import prefect_jobs

if __name__ == "__main__":
    address, _workers, spin_seconds = sys.argv[1:]
    jobs = prefect_jobs(lambda: DaskTaskRunner(address=address), float(spin_seconds))
    answer_jobs(f"prefect-dask {version('prefect-dask')}", jobs)
