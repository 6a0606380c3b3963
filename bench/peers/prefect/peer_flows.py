"""The flows and tasks of the benchmarks, written for Prefect. A module of its own, so that worker processes can import it."""

from prefect import flow, get_run_logger, task
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from spin import spin

WORKERS = 2


@task
def noop(item: int) -> int:
    return item


@flow
def noop_tasks(n: int) -> None:
    """Submits n tasks and waits for them."""
    for future in [noop.submit(item) for item in range(n)]:
        future.result()


@flow
def noop_subflow(item: int) -> int:
    return item


@flow
async def noop_subflow_async(item: int) -> int:
    return item


@flow
def subflows_sync(n: int) -> None:
    for item in range(n):
        noop_subflow(item)


@flow
async def subflows_async(n: int) -> None:
    for item in range(n):
        await noop_subflow_async(item)


@task
def noop_subflow_in_task(item: int) -> int:
    return noop_subflow(item)


@flow
def subflows_in_tasks(n: int) -> None:
    for future in [noop_subflow_in_task.submit(item) for item in range(n)]:
        future.result()


@flow
def spin_subflow(seed: int, rounds: int) -> int:
    get_run_logger().info("spinning %s", seed)
    return spin(seed, rounds)


@flow
def spin_sequential(n: int, rounds: int) -> None:
    for seed in range(n):
        spin_subflow(seed, rounds)


@task
def spin_subflow_in_task(seed: int, rounds: int) -> int:
    return spin_subflow(seed, rounds)


@flow
def spin_in_tasks(n: int, rounds: int) -> None:
    """A plain flow has no submit: a subflow becomes parallel by a task around it, on the task runner of this flow."""
    for future in [spin_subflow_in_task.submit(seed, rounds) for seed in range(n)]:
        future.result()


def on_threads(parent):
    return parent.with_options(task_runner=ThreadPoolTaskRunner(max_workers=WORKERS))


def on_processes(parent):
    return parent.with_options(task_runner=ProcessPoolTaskRunner(max_workers=WORKERS))


@flow
def smallest(n: int) -> int:
    return double(n)


@task
def double(n: int) -> int:
    return n * 2


if __name__ == "__main__":
    print(smallest(21))
