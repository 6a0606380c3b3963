"""Work that only costs CPU, in Python; used by every peer that is written in it."""

import time


def spin(seed: int, rounds: int) -> int:
    """The result depends on every step."""
    x = seed
    for _ in range(rounds):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        x ^= x >> 13
    return x


def calibrate(seconds: float) -> int:
    """How many rounds take this many seconds here; the fastest of nine counts."""
    rounds = 200_000
    fastest = min(timed(lambda: spin(seed, rounds)) for seed in range(9))
    return max(1, round(rounds * seconds / fastest))


def timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
