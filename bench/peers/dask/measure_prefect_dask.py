"""Measures Prefect on Dask: measure_prefect_dask.py ADDRESS WORKERS SPIN_SECONDS, with PREFECT_API_URL set. See answering.py for the rest."""

import asyncio
import sys
from functools import cache
from importlib.metadata import version

from prefect_dask import DaskTaskRunner

import prefect_dask_flows as flows
from answering import answer_jobs
from spin import calibrate


def measure(address: str, spin_seconds: float):
    rounds = cache(lambda: calibrate(spin_seconds))

    def on_dask(flow):
        return flow.with_options(task_runner=DaskTaskRunner(address=address))

    return {
        "noop-trips": on_dask(flows.noop_trips),
        "noop-map": on_dask(flows.noop_map),
        "echo-trips": on_dask(flows.echo_trips),
        "spin-all": lambda n: asyncio.run(on_dask(flows.spin_all)(n, rounds())),
    }


if __name__ == "__main__":
    address, _workers, spin_seconds = sys.argv[1:]
    answer_jobs(f"prefect-dask {version('prefect-dask')}", measure(address, float(spin_seconds)))
