"""Runs flows and tasks of Sluice on a Ray cluster. Executed after `node_process.py` and `node_bridge.py`, with their names as globals: in the bridge near the cluster, and in Ray's workers.

A driver takes messages of Node's (`submit`, `cancel`, `fetch`, `release`) and emits what becomes of its tasks (`ended`, `failed`, `started`, `value`). The bridge has one; so has each Ray
worker whose child submits runs of its own.
"""

import uuid

import ray

TOGETHER_SECONDS = 0.01
BUSY_SECONDS = 0.05
BUSY_PER_CPU = 4
# So many runs at a time are watched one by one.
FEW = 8
# How the header of an end begins whose value has stayed in the object store.
KEPT = b'{"kept_bytes"'


class Mail:
    """What workers and drivers tell each other while runs go on: that a body has begun, that a flow run is to stop."""

    def __init__(self):
        import asyncio

        self.items = {}
        self.news = {}
        self.asyncio = asyncio

    def event_of(self, topic):
        return self.news.setdefault(topic, self.asyncio.Event())

    async def started(self, topic, key, started_us):
        self.items.setdefault(topic, []).append((key, started_us))
        self.event_of(topic).set()

    async def to_nodes(self, item):
        for topic in self.news:
            if topic.startswith("node-"):
                self.items.setdefault(topic, []).append(item)
                self.event_of(topic).set()

    async def take(self, topic):
        event = self.event_of(topic)
        await event.wait()
        event.clear()
        return self.items.pop(topic, [])

    async def end(self, topic):
        """Lets go whoever waits for this topic: nobody will ask for it again."""
        self.event_of(topic).set()
        self.news.pop(topic, None)


def kit_of(host, module, source, python):
    """What a driver gives to the workers that run its tasks. `host` is this module, `source` and `python` are texts."""
    return {
        "module": module,
        "source": ray.put(source),
        "python": python,
        "sdk": None,
        "settings": "",
        "codes": {},
        "mail": ray.remote(num_cpus=0)(host.Mail).remote(),
    }


def function_of(kit, code):
    """The remote function for one bundle of code. It is pickled whole, so it names nothing outside of itself."""
    module, source = kit["module"], kit["source"]
    whole = dict(kit, codes={code: kit["codes"][code]})

    def sluice(call, *parts):
        import sys
        import types

        import ray

        host = sys.modules.get(module)
        if host is None:
            host = types.ModuleType(module)
            exec(compile(ray.get(source), module + ".py", "exec"), host.__dict__)
            sys.modules[module] = host
        return host.run_on_node(whole, call, parts)

    return ray.remote(sluice)


def python_function():
    def sluice_python(source, call, *parts):
        space = {}
        exec(compile(source, "sluice_python.py", "exec"), space)
        return space["run_python"](call, parts), None

    return ray.remote(sluice_python)


class Outbox:
    """Events on their way to Node: each time costs both sides a turn, so those of one moment go together."""

    def __init__(self, emit):
        self.emit = emit
        self.lock = threading.Lock()

    def put(self, event, content=b""):
        self.put_all([(event, content)])

    def put_all(self, events):
        with self.lock:
            self.emit(events)


class Watch:
    """Tells when runs are over: of a few at once, of many by looking after them together, which takes half the time."""

    def __init__(self, ended):
        self.ended = ended
        self.lock = threading.Lock()
        self.few = 0
        self.many = {}
        # So many open runs keep the cluster busy for a while.
        self.busy = BUSY_PER_CPU * max(1, ray.cluster_resources().get("CPU", 1))
        self.filled = threading.Event()
        self.closed = False
        threading.Thread(target=self._look, daemon=True, name="sluice-watch").start()

    def add(self, key, ref):
        with self.lock:
            if self.few >= FEW:
                self.many[ref] = key
                self.filled.set()
                return
            self.few += 1

        def done(future):
            with self.lock:
                self.few -= 1
            self.ended([(key, future.result)])

        ref.future().add_done_callback(done)

    def close(self):
        self.closed = True
        self.filled.set()

    def _look(self):
        """Looks less often while the cluster has work enough, whatever its client does next, and the longer the list is, since a look takes the longer."""
        look_seconds = 0
        while not self.closed:
            self.filled.wait()
            with self.lock:
                refs = list(self.many)
                if not refs:
                    self.filled.clear()
                    continue
            together = BUSY_SECONDS if len(refs) >= self.busy else TOGETHER_SECONDS
            started = time.thread_time()
            try:
                ready, _ = ray.wait(refs, num_returns=len(refs), timeout=max(together, 20 * look_seconds), fetch_local=False)
            except Exception:
                # The cluster is gone, which each of them says by itself.
                ready = refs
            look_seconds = time.thread_time() - started
            if ready:
                with self.lock:
                    keys = [self.many.pop(ref) for ref in ready]
                self.ended(list(zip(keys, results_of(ready))))


def results_of(refs):
    """For each of these refs, which are ready, a function that gives its value or raises its error."""
    try:
        values = ray.get(refs)
    except Exception:
        return [lambda ref=ref: ray.get(ref) for ref in refs]
    return [lambda value=value: value for value in values]


class RayDriver:
    def __init__(self, kit, emit):
        self.topic = uuid.uuid4().hex
        self.kit = dict(kit, topic=self.topic)
        self.outbox = Outbox(emit)
        self.watch = Watch(self._ended)
        self.functions = {}
        self.optioned = {}
        self.refs = {}
        self.closed = False
        threading.Thread(target=self._listen, daemon=True, name="sluice-mail").start()

    def handle(self, header, body):
        getattr(self, "_" + header["op"])(header, body)

    def close(self):
        self.closed = True
        self.watch.close()
        self.kit["mail"].end.remote(self.topic)
        for end, _ in list(self.refs.values()):
            self._cancel_ref(end, False)

    def open_refs(self):
        return [end for end, _ in list(self.refs.values())]

    def _files(self, header, body):
        """`{folder, files: [[path, size]]}`: code or the package's own files, kept once in the cluster."""
        files, at = {}, 0
        for path, size in header["files"]:
            files[path] = bytes(body[at : at + size])
            at += size
        kind, _, name = header["folder"].partition("/")
        ref = ray.put((header["folder"], files))
        if kind == "sdk":
            self.kit["sdk"] = ref
        else:
            self.kit["codes"][name] = ref

    def _settings(self, header, body):
        self.kit["settings"] = header["text"]

    def _submit(self, header, body):
        at = 0
        for task in header["tasks"]:
            parts = []
            for part in task["parts"]:
                if isinstance(part, dict):
                    parts.append(self.refs[part["key"]][1])
                else:
                    parts.append(bytes(body[at : at + part]))
                    at += part
            try:
                self._start(task, parts)
            except Exception as error:
                self.outbox.put({"event": "failed", "key": task["key"], "class": type(error).__name__, "message": str(error)})

    def _start(self, task, parts):
        function = self._function(task)
        end, value = function.remote(self.kit["python"], *parts) if task["kind"] == "python" else function.remote(*parts)
        key = task["key"]
        self.refs[key] = (end, value)
        self.watch.add(key, end)

    def _function(self, task):
        """The remote function of a task, with its options: made once for all that are alike."""
        alike = (task["kind"], task["code"], task["name"], task["options"])
        optioned = self.optioned.get(alike)
        if optioned is None:
            whole = task["kind"] + task["code"]
            function = self.functions.get(whole)
            if function is None:
                function = python_function() if task["kind"] == "python" else function_of(self.kit, task["code"])
                self.functions[whole] = function
            options = dict(json.loads(task["options"]), num_returns=2, name=task["name"])
            optioned = self.optioned[alike] = function.options(**options)
        return optioned

    def _ended(self, ends):
        self.outbox.put_all([self._event_of(key, result) for key, result in ends])

    def _event_of(self, key, result):
        try:
            end = result()
        except BaseException as error:
            self.refs.pop(key, None)
            cause = getattr(error, "cause", None)
            return {"event": "failed", "key": key, "class": type(error).__name__, "message": str(cause or error)[:4000]}, b""
        if not end.startswith(KEPT, 4):
            self.refs.pop(key, None)
        return {"event": "ended", "key": key}, end

    def _fetch(self, header, body):
        key = header["key"]
        pair = self.refs.get(key)
        if pair is None:
            self.outbox.put({"event": "value", "key": key, "lost": "it was released"})
            return

        def done(future):
            try:
                value = future.result()
            except BaseException as error:
                self.outbox.put({"event": "value", "key": key, "lost": f"{type(error).__name__}: {error}"[:2000]})
                return
            self.outbox.put({"event": "value", "key": key, "lost": None}, value)

        pair[1].future().add_done_callback(done)

    def _release(self, header, body):
        for key in header["keys"]:
            self.refs.pop(key, None)

    def _cancel(self, header, body):
        key = header["key"]
        pair = self.refs.get(key)
        if pair is not None:
            # Ray's interrupt says no reason: it reaches what has not started, or does not listen.
            self.kit["mail"].to_nodes.remote({"key": key, "message": header["message"]})
            self._cancel_ref(pair[0], header["force"])

    def _cancel_run(self, header, body):
        self.kit["mail"].to_nodes.remote({"run_id": header["run_id"]})

    @staticmethod
    def _cancel_ref(ref, force):
        try:
            ray.cancel(ref, force=force, recursive=True)
        except Exception:
            pass  # it is over

    def _listen(self):
        while not self.closed:
            try:
                items = ray.get(self.kit["mail"].take.remote(self.topic))
            except Exception:
                return
            for key, started_us in items:
                self.outbox.put({"event": "started", "key": key, "started_us": started_us})
