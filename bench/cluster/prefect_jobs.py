"""The jobs on a cluster, by a task runner of Prefect."""

import asyncio
from functools import cache

import prefect_cluster_flows as flows
from spin import calibrate


def prefect_jobs(make_task_runner, spin_seconds: float):
    """Each job is a flow run with a task runner of its own, which `make_task_runner` makes."""
    rounds = cache(lambda: calibrate(spin_seconds))

    def on_cluster(flow):
        return flow.with_options(task_runner=make_task_runner())

    return {
        "noop-trips": on_cluster(flows.noop_trips),
        "noop-map": on_cluster(flows.noop_map),
        "echo-trips": on_cluster(flows.echo_trips),
        "spin-all": lambda n: asyncio.run(on_cluster(flows.spin_all)(n, rounds())),
    }
