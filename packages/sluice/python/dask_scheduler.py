"""The plugin of a Dask scheduler: makes the functions of `dask_tasks.py` known to it. Executed with MODULE and TASKS (source texts) as globals."""

import sys
import types

from distributed.diagnostics.plugin import SchedulerPlugin


class SluiceSchedulerPlugin(SchedulerPlugin):
    name = MODULE

    def start(self, scheduler):
        define_tasks()
        settings = {}

        async def put(name, text):
            settings[name] = text

        async def get(name):
            return settings.get(name)

        # What processes are started with: said once, and asked for by each worker when it first needs it.
        scheduler.handlers[MODULE + "_put_settings"] = put
        scheduler.handlers[MODULE + "_get_settings"] = get


def define_tasks():
    module = sys.modules.get(MODULE)
    if module is None:
        module = types.ModuleType(MODULE)
        exec(compile(TASKS, MODULE + ".py", "exec"), module.__dict__)
        for name in ("task", "flow", "python"):
            getattr(module, name).__module__ = MODULE
        sys.modules[MODULE] = module
    return module


plugin = SluiceSchedulerPlugin()
