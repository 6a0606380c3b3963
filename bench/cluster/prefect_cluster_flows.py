"""The flows and tasks on a cluster, written for Prefect. Each flow gives the seconds that it measured, inside, for a sync one rounds its own end up."""

import asyncio
import os
import time

from prefect import flow, task

import cluster_jobs
from spin import spin

PAYLOAD = os.urandom(1 << 20)

noop = task(cluster_jobs.noop)
echo = task(cluster_jobs.echo)


@flow
def noop_trips(n: int) -> list[float]:
    seconds = []
    for item in range(n):
        start = time.perf_counter()
        noop.submit(item).result()
        seconds.append(time.perf_counter() - start)
    return seconds


@flow
def noop_map(n: int) -> list[float]:
    start = time.perf_counter()
    noop.map(list(range(n))).result()
    return [time.perf_counter() - start]


@flow
def echo_trips(n: int) -> list[float]:
    seconds = []
    for _ in range(n):
        start = time.perf_counter()
        echo.submit(PAYLOAD).result()
        seconds.append(time.perf_counter() - start)
    return seconds


@flow
async def spin_subflow(seed: int, rounds: int) -> int:
    return spin(seed, rounds)


@task
async def spin_subflow_in_task(seed: int, rounds: int) -> int:
    return await spin_subflow(seed, rounds)


@flow
async def spin_all(n: int, rounds: int) -> list[float]:
    """Subflows one after the other, then all gathered, since a plain flow has no submit, then each in a task on the cluster."""
    seconds = []
    start = time.perf_counter()
    for seed in range(n):
        await spin_subflow(seed, rounds)
    seconds.append(time.perf_counter() - start)
    start = time.perf_counter()
    await asyncio.gather(*(spin_subflow(seed, rounds) for seed in range(n)))
    seconds.append(time.perf_counter() - start)
    start = time.perf_counter()
    for future in [spin_subflow_in_task.submit(seed, rounds) for seed in range(n)]:
        future.result()
    seconds.append(time.perf_counter() - start)
    return seconds
