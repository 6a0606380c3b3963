"""The jobs on a cluster, by its own client alone: what one call and one map cost there."""

import os
from functools import cache

from cluster_jobs import echo, noop
from spin import calibrate, spin, timed

PAYLOAD = os.urandom(1 << 20)


def raw_jobs(call, map_all, spin_seconds: float):
    """`call(function, argument)` and `map_all(function, *lists)` run on the cluster and give the value, or the list of values."""
    rounds = cache(lambda: calibrate(spin_seconds))

    def noop_trips(n):
        return [timed(lambda item=item: call(noop, item)) for item in range(n)]

    def noop_map(n):
        return [timed(lambda: map_all(noop, range(n)))]

    def echo_trips(n):
        return [timed(lambda: call(echo, PAYLOAD)) for _ in range(n)]

    def spin_all(n):
        """Seconds of the jobs one after the other in this process, then on the cluster at once."""
        steps = rounds()
        sequential = timed(lambda: [spin(seed, steps) for seed in range(n)])
        return [sequential, timed(lambda: map_all(spin, range(n), [steps] * n))]

    return {"noop-trips": noop_trips, "noop-map": noop_map, "echo-trips": echo_trips, "spin-all": spin_all}
