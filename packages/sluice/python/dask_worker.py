"""The plugins of a Dask worker. Executed with MODULE, TASKS, BRIDGE and PYTHON (source texts) as globals, or with MODULE, FOLDER and FILES for files.

Everything hangs on the worker object, since several workers may live in one process.
"""

import json
import os
import sys
import time
import types
import weakref

from distributed import get_worker
from distributed.diagnostics.plugin import WorkerPlugin
from distributed.protocol import to_serialize
from distributed.worker_state_machine import SecedeEvent

MAX_DEPTH = 8


def module_of(name, text):
    module = sys.modules.get(name)
    if module is None:
        module = types.ModuleType(name)
        exec(compile(text, name + ".py", "exec"), module.__dict__)
        sys.modules[name] = module
    return module


def define_tasks():
    known = MODULE in sys.modules
    module = module_of(MODULE, TASKS)
    if not known:
        for name in ("task", "flow", "python"):
            getattr(module, name).__module__ = MODULE
    return module


class SluiceWorker:
    """Sluice's part of one Dask worker."""

    def __init__(self, worker, node_bridge):
        self.worker = weakref.proxy(worker)
        self.node_bridge = node_bridge
        self.known = {}
        self.slots = node_bridge.Slots(worker.state.nthreads)
        self.bridge = node_bridge.NodeBridge(os.path.join(worker.local_directory, MODULE), self.surroundings)

    def surroundings(self):
        """How a process of this worker reaches the cluster itself."""
        security = self.worker.security
        tls = None
        if security.require_encryption:
            tls = {"ca": security.tls_ca_file, "cert": security.tls_worker_cert, "key": security.tls_worker_key}
        return {"scheduler": self.worker.scheduler.address, "tls": tls}

    async def settings(self, name):
        """The settings of this name."""
        text = self.known.get(name)
        if text is None:
            text = await getattr(self.worker.scheduler, MODULE + "_get_settings")(name=name)
            if text is None:
                raise self.node_bridge.NodeUnfit("its scheduler was started anew, and knows nothing of the run's settings")
            self.known[name] = text
        return text

    async def run_task(self, call, parts):
        holds = True

        async def grant(role):
            nonlocal holds
            if role == "secede":
                self.secede(call["key"])
                holds = False
                self.slots.give()
            elif role == "resume":
                await self.slots.take(first=True)
                holds = True

        await self.slots.take()
        try:
            return await self.run(call, parts, grant)
        finally:
            if holds:
                self.slots.give()

    async def run_flow(self, call, parts):
        # It waits for runs of its own: it must not count among those that compute.
        self.secede(call["key"])
        return await self.run(call, parts, nothing)

    def secede(self, key):
        """Lets the worker start another task in place of this one, as `distributed.secede` does from a thread of its pool."""
        worker = self.worker
        started = getattr(worker.state.tasks.get(key), "start_time", None)
        event = SecedeEvent(
            key=key,
            compute_duration=time.time() - (started or time.time()),
            stimulus_id=f"secede-{time.time()}",
        )
        worker.loop.add_callback(worker.handle_stimulus, event)

    async def run(self, call, parts, grant):
        key = call["key"]

        def on_started(started_us):
            if call["topic"] is not None:
                self.worker.log_event(call["topic"], {"key": key, "started_us": started_us})

        try:
            return await self.node_bridge.run_body(
                self.bridge,
                await self.settings(call["settings"]),
                call["limit_seconds"],
                parts,
                key=key,
                on_started=on_started,
                grant=grant,
            )
        except self.node_bridge.NodeDied as died:
            if not call["raises"]:
                return self.node_bridge.end_of(dict(death_of(died), type="died"))
            # So that Dask's own retries, where the run asks for them, come to pass.
            raise RuntimeError("sluice", json.dumps(death_of(died))) from None
        except self.node_bridge.NodeUnfit as unfit:
            return self.node_bridge.end_of({"type": "unfit", "reason": str(unfit)})

    def run_python(self, call, parts):
        return module_of(MODULE + "_python", PYTHON).run_python(call, parts)

    def results(self, keys, kept, together):
        """The results of these keys as far as they are here, joined: of one whose value has more than `kept` bytes only the header is given.

        An answer has about `together` bytes: other keys are named as those for later.
        """
        found = {"keys": [], "sizes": [], "given": [], "later": []}
        parts = []
        total = 0
        for key in keys:
            result = self.worker.data.get(key)
            if result is None:
                continue
            if total >= together:
                found["later"].append(key)
                continue
            head = 4 + int.from_bytes(result[:4], "little")
            given = len(result) if len(result) - head <= kept else head
            found["keys"].append(key)
            found["sizes"].append(len(result))
            found["given"].append(given)
            parts.append(memoryview(result)[:given])
            total += given
        found["joined"] = to_serialize(parts[0] if len(parts) == 1 else b"".join(parts))
        return found

    def close(self):
        self.bridge.close()


def death_of(died):
    """Short enough for Dask, which cuts the text of an exception at 10,000 characters."""
    crash = died.crash
    if crash is not None and len(json.dumps(crash)) > 6000:
        crash = {"name": crash["name"], "message": crash["message"][:2000]}
    tail = "" if crash is not None else died.tail[-4000:]
    return {"how": died.how, "tail": tail, "crash": crash}


async def nothing(role):
    pass


def sluice_of(worker):
    return getattr(worker, MODULE, None)


class SluiceWorkerPlugin(WorkerPlugin):
    idempotent = True
    name = MODULE

    def setup(self, worker):
        self.worker = worker
        if sluice_of(worker) is not None:
            return
        part = SluiceWorker(worker, module_of(MODULE + "_node", BRIDGE))
        setattr(worker, MODULE, part)
        define_tasks().bridge_of = lambda: sluice_of(get_worker())

        async def results(keys, kept, together):
            return part.results(keys, kept, together)

        async def cancel(key, message):
            return part.bridge.ask_to_stop(key, message)

        async def cancel_run(run_id):
            part.bridge.cancel_run(run_id)

        worker.handlers[MODULE + "_results"] = results
        worker.handlers[MODULE + "_cancel"] = cancel
        worker.handlers[MODULE + "_cancel_run"] = cancel_run

    def transition(self, key, start, finish, **kwargs):
        part = sluice_of(self.worker)
        if part is None:
            return
        if start in ("executing", "long-running") and finish in ("cancelled", "released", "forgotten"):
            # Its thread goes on until the body ends: only then the task is released in truth.
            part.bridge.kill(key)
        elif start in ("executing", "long-running", "cancelled", "resumed") and finish != "long-running":
            part.bridge.forget(key)

    def teardown(self, worker):
        part = sluice_of(worker)
        if part is not None:
            setattr(worker, MODULE, None)
            part.close()


class SluiceFiles(WorkerPlugin):
    """Code that tasks run: a bundle of the user's modules, or the SDK's own files. Named by its content."""

    idempotent = True

    def __init__(self, folder, files):
        self.folder = folder
        self.files = files

    def setup(self, worker):
        sluice_of(worker).bridge.store(self.folder, self.files)


class SluiceFlows(WorkerPlugin):
    """Bounds the flows that run at once on a worker: a resource for each depth, so that flows that wait for flows below them never hold those up."""

    idempotent = True

    def __init__(self, count, prefix):
        self.count = count
        self.prefix = prefix

    def setup(self, worker):
        count = self.count or worker.state.nthreads
        resources = {f"{self.prefix}-{depth}": count for depth in range(MAX_DEPTH)}
        if worker.status.name == "running":
            return worker.set_resources(**resources)
        worker.state.total_resources.update(resources)
        worker.state.available_resources.update(resources)
