"""Runs flows and tasks of Sluice on a Ray cluster. Executed after `node_process.py` and `node_bridge.py`, with their names as globals: in the bridge near the cluster, and in Ray's workers.

A driver takes messages of Node's (`submit`, `cancel`, `fetch`, `release`) and emits what becomes of its tasks (`ended`, `failed`, `started`, `value`). The bridge has one; so has each Ray
worker whose child submits runs of its own.
"""

import tempfile
import uuid

import ray
from ray import exceptions as ray_exceptions

# A larger value stays in the cluster's object store until somebody wants it.
KEPT_FROM_BYTES = (1 << 20) + (1 << 16)
WAIT_SECONDS = 0.05


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
        del self.news[topic]


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


class RayDriver:
    def __init__(self, kit, emit):
        self.kit = kit
        self.emit = emit
        self.topic = uuid.uuid4().hex
        self.functions = {}
        self.optioned = {}
        self.refs = {}
        self.closed = False
        threading.Thread(target=self._listen, daemon=True, name="sluice-mail").start()

    def handle(self, header, body):
        getattr(self, "_" + header["op"])(header, body)

    def close(self):
        self.closed = True
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
                self.emit({"event": "failed", "key": task["key"], "class": type(error).__name__, "message": str(error)})

    def _start(self, task, parts):
        function = self._function(task)
        if task["kind"] == "python":
            end, value = function.remote(self.kit["python"], task["call"], *parts)
        else:
            end, value = function.remote(json.dumps(dict(task["call"], topic=self.topic)), *parts)
        key = task["key"]
        self.refs[key] = (end, value)
        end.future().add_done_callback(lambda future: self._ended(key, future))

    def _function(self, task):
        """The remote function of a task, with its options: made once for all that are alike."""
        alike = (task["kind"], task["code"], task["name"], json.dumps(task["options"], sort_keys=True))
        optioned = self.optioned.get(alike)
        if optioned is None:
            whole = task["kind"] + task["code"]
            function = self.functions.get(whole)
            if function is None:
                function = python_function() if task["kind"] == "python" else function_of(self.kit, task["code"])
                self.functions[whole] = function
            options = dict(task["options"], num_returns=2, name=task["name"])
            optioned = self.optioned[alike] = function.options(**options)
        return optioned

    def _ended(self, key, future):
        try:
            end = future.result()
        except BaseException as error:
            self.refs.pop(key, None)
            cause = getattr(error, "cause", None)
            self.emit({"event": "failed", "key": key, "class": type(error).__name__, "message": str(cause or error)[:4000]})
            return
        size = int.from_bytes(end[:4], "little") + 4
        kept = json.loads(end[4:size]).get("kept_bytes")
        if kept is None:
            self.refs.pop(key, None)
        self.emit({"event": "ended", "key": key, "kept": kept}, end)

    def _fetch(self, header, body):
        key = header["key"]
        pair = self.refs.get(key)
        if pair is None:
            self.emit({"event": "value", "key": key, "lost": "it was released"})
            return

        def done(future):
            try:
                value = future.result()
            except BaseException as error:
                self.emit({"event": "value", "key": key, "lost": f"{type(error).__name__}: {error}"[:2000]})
                return
            self.emit({"event": "value", "key": key, "lost": None}, value)

        pair[1].future().add_done_callback(done)

    def _release(self, header, body):
        for key in header["keys"]:
            self.refs.pop(key, None)

    def _cancel(self, header, body):
        pair = self.refs.get(header["key"])
        if pair is not None:
            self._cancel_ref(pair[0], header["force"])

    def _cancel_run(self, header, body):
        self.kit["mail"].to_nodes.remote(header["run_id"])

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
                self.emit({"event": "started", "key": key, "started_us": started_us})


NODE = None


def node_of(kit):
    """The children of this Ray worker; their code lies in a folder that all workers of the machine share."""
    global NODE
    if NODE is None:
        root = os.path.join(own_folder(), kit["module"])
        os.makedirs(root, mode=0o700, exist_ok=True)
        NODE = NodeBridge(root, lambda: {"scheduler": "", "tls": None})
        threading.Thread(target=listen, args=(NODE, kit["mail"]), daemon=True, name="sluice-mail").start()
    return NODE


def own_folder():
    """A folder that nobody else of this machine can put code into."""
    folder = os.path.join(tempfile.gettempdir(), f"sluice-ray-{os.getuid()}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    state = os.lstat(folder)
    if state.st_uid != os.getuid() or state.st_mode & 0o022 or os.path.islink(folder):
        raise RuntimeError(f"expected {folder} to belong to this user alone; somebody else has made it, or may write to it")
    return folder


def listen(node, mail):
    """Passes the wish that a flow run stops on to the children of this worker, in one of which it may be."""
    topic = "node-" + uuid.uuid4().hex
    while True:
        try:
            run_ids = ray.get(mail.take.remote(topic))
        except Exception:
            return  # the driver is gone, and this worker will be
        for run_id in run_ids:
            node.cancel_run(run_id)


def provide(node, ref, folder):
    if not os.path.exists(os.path.join(node.root, folder)):
        node.store(*ray.get(ref))


def run_on_node(kit, call, parts):
    """Runs one body in a child, and gives its end with the value in it, or beside it where that is large."""
    call = json.loads(call)
    node = node_of(kit)
    provide(node, kit["sdk"], "sdk/" + call["sdk"])
    provide(node, kit["codes"][call["code"]], "code/" + call["code"])
    body = BodyOnNode(node, kit, call, parts)
    return split(body.run())


def split(end):
    size = int.from_bytes(end[:4], "little") + 4
    value = len(end) - size
    if value <= KEPT_FROM_BYTES:
        return bytes(end), None
    header = dict(json.loads(end[4:size]), kept_bytes=value)
    return end_of(header), bytes(memoryview(end)[size:])


class BodyOnNode:
    """One body in a Ray worker: its child is served by a thread, since Ray interrupts the main thread to cancel a task."""

    def __init__(self, node, kit, call, parts):
        self.node = node
        self.kit = kit
        self.call = call
        self.parts = parts
        self.key = call["key"]
        self.done = threading.Event()
        self.waits = False
        self.driver = None
        self.end = None

    def run(self):
        threading.Thread(target=self._serve, daemon=True, name="sluice-body").start()
        while True:
            try:
                if self.waits and self.driver is not None and self.driver.open_refs():
                    # Ray gives the CPUs of a worker that waits in it to others.
                    ray.wait(self.driver.open_refs(), num_returns=1, timeout=WAIT_SECONDS)
                if self.done.wait(WAIT_SECONDS):
                    return self.end
            except KeyboardInterrupt:
                self.node.ask_to_stop(self.key, "The run was cancelled.")
                timer = threading.Timer(self.call["grace_seconds"], self.node.kill, (self.key,))
                timer.daemon = True
                timer.start()

    def _serve(self):
        call = self.call
        try:
            self.end = self.node.run(
                self.kit["settings"],
                call["limit_seconds"],
                self.parts,
                key=self.key,
                on_started=lambda started_us: self.kit["mail"].started.remote(call["topic"], self.key, started_us),
                secede=lambda: setattr(self, "waits", True),
                rejoin=lambda: setattr(self, "waits", False),
                up=self._up,
            )
        except NodeDied as died:
            self.end = end_of({"type": "died", "how": died.how, "tail": died.tail, "crash": died.crash})
        except NodeUnfit as unfit:
            self.end = end_of({"type": "unfit", "reason": str(unfit)})
        except BaseException as error:
            self.end = end_of({"type": "died", "how": f"{type(error).__name__}: {error}", "tail": "", "crash": None})
        finally:
            if self.driver is not None:
                self.driver.close()
            self.done.set()

    def _up(self, child, header, body):
        """A message of the child's for the cluster: runs that its body submits."""
        if self.driver is None:
            self.driver = RayDriver(dict(self.kit), lambda event, content=b"": child.send(dict(event, role="down"), (content,)))
        self.driver.handle(header, body)
