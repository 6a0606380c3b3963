"""What a Dask scheduler and its workers know the tasks of Sluice by: functions of a module of this name, on all of them.

The scheduler only unpickles them; a worker has set `bridge_of` before it runs one.
"""

import json

bridge_of = None


def graph(tasks, token):
    """A graph of tasks. Without a token Dask would make one of all that is in them."""
    from dask._expr import LLGExpr

    return LLGExpr(tasks, _determ_token=token)


def _bridge():
    if bridge_of is None:
        raise RuntimeError("a task of Sluice reached a worker without Sluice's plugin")
    return bridge_of()


async def task(call, *parts):
    return await _bridge().run_task(json.loads(call), parts)


async def flow(call, *parts):
    return await _bridge().run_flow(json.loads(call), parts)


def python(call, *parts):
    return _bridge().run_python(call, parts)
