"""Waits for workers, which Ray starts only when there is work for them."""

import os
import time

import ray


@ray.remote
def busy() -> int:
    time.sleep(0.2)
    return os.getpid()


def wait_for_workers(count: int) -> None:
    """Occupies the cluster until this many processes have had a task of this program at once."""
    while len(set(ray.get([busy.remote() for _ in range(count)]))) < count:
        pass
