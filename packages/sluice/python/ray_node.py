"""Runs bodies of Sluice in a worker of a Ray cluster, or in a job. Executed after `ray_driver.py` and what comes before that, with their names as globals."""

import glob
import signal
import tempfile

# A larger value stays in the cluster's object store until somebody wants it.
KEPT_FROM_BYTES = (1 << 20) + (1 << 16)
WAIT_SECONDS = 0.05
KEPT_SECONDS = 30 * 24 * 3600
# Moments between an interrupt and what follows from it.
HEED_AFTER = 1

NODE = None
# Folders of code that this worker has.
PROVIDED = set()


def node_of(kit):
    """The children of this Ray worker; their code lies in a folder that all workers of the machine share."""
    global NODE
    if NODE is None:
        root = os.path.join(own_folder(), kit["module"])
        os.makedirs(root, mode=0o700, exist_ok=True)
        sweep(own_folder())
        NODE = NodeBridge(root, lambda: {"scheduler": "", "tls": None})
        Interrupts.take()
        NODE.topic = "node-" + uuid.uuid4().hex
        threading.Thread(target=listen, args=(NODE, kit["mail"]), daemon=True, name="sluice-mail").start()
    return NODE


def leave_node(kit):
    """Ends the children of this process in good order, and what asks Ray for news of them: Ray ends a process that asks it for something after it was shut down."""
    node = node_of(kit)
    node.retire_idle()
    node.closed = True
    ray.get(kit["mail"].end.remote(node.topic))


def own_folder():
    """A folder that nobody else of this machine can put code into."""
    folder = os.path.join(tempfile.gettempdir(), f"sluice-ray-{os.getuid()}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    state = os.lstat(folder)
    if state.st_uid != os.getuid() or state.st_mode & 0o022 or os.path.islink(folder):
        raise RuntimeError(f"expected {folder} to belong to this user alone; somebody else has made it, or may write to it")
    return folder


def listen(node, mail):
    """Passes wishes to stop on to the children of this worker, in one of which the body, or the flow run, may be."""
    while not node.closed:
        try:
            wishes = ray.get(mail.take.remote(node.topic))
        except Exception:
            return  # the driver is gone, and this worker will be
        for wish in wishes:
            if "run_id" in wish:
                node.cancel_run(wish["run_id"])
            else:
                node.ask_to_stop(wish["key"], wish["message"])


def provide(node, ref, folder):
    """Puts code where the children of this worker find it, and says that it is in use."""
    path = os.path.join(node.root, folder)
    if folder in PROVIDED and os.path.exists(path):
        return
    if not os.path.exists(path):
        node.store(*ray.get(ref))
    os.utime(path)
    PROVIDED.add(folder)


def sweep(folder):
    """Removes code that no worker of this machine has begun to use for a month: flows that change, and versions of Sluice, leave some behind each time."""
    oldest = time.time() - KEPT_SECONDS
    for path in glob.glob(os.path.join(glob.escape(folder), "*", "*", "*")):
        try:
            if os.stat(path).st_mtime < oldest:
                shutil.rmtree(path)
        except OSError:
            pass  # another worker was quicker


def run_on_node(kit, call, parts):
    """Runs one body in a child, and gives its end with the value in it, or beside it where that is large."""
    return split(run_body(kit, call, parts))


def run_body(kit, call, parts, tell_started=None):
    """Runs one body in a child, and gives its end. `call` is `u32 length of the header | header (JSON) | order`."""
    size = int.from_bytes(call[:4], "little") + 4
    order = memoryview(call)[size:]
    call = json.loads(call[4:size])
    node = node_of(kit)
    provide(node, kit["sdk"], "sdk/" + call["sdk"])
    provide(node, kit["codes"][call["code"]], "code/" + call["code"])
    return BodyOnNode(node, kit, call, (order, *parts), tell_started).run()


def split(end):
    size = int.from_bytes(end[:4], "little") + 4
    value = len(end) - size
    if value <= KEPT_FROM_BYTES:
        return bytes(end), None
    header = dict({"kept_bytes": value}, **json.loads(end[4:size]))
    return end_of(header), bytes(memoryview(end)[size:])


def tell_down(child, events):
    try:
        child.send_all([(dict(event, role="down"), (content,)) for event, content in events])
    except NodeDied:
        pass  # whoever listens to it hears of that


class Interrupts:
    """Ray cancels a task by an interrupt of the main thread, and stops a job by a signal: while a body runs it is taken note of, not raised wherever that thread is."""

    body = None

    @classmethod
    def take(cls):
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, cls.interrupted)

    @classmethod
    def interrupted(cls, number, frame):
        if cls.body is None:
            raise KeyboardInterrupt
        cls.body.interrupted = True


class BodyOnNode:
    """One body in a Ray worker.

    The main thread listens to its child until it submits runs of its own, or waits for some. From then on another does, since only the main thread can wait in Ray, which gives the CPUs
    of a worker that waits in it to others.
    """

    def __init__(self, node, kit, call, parts, tell_started=None):
        self.tell_started = tell_started or self._tell_driver
        self.node = node
        self.kit = kit
        self.call = call
        self.key = call["key"]
        self.parts = parts
        self.interrupted = False
        self.heeded = 0
        self.waits = False
        self.driver = None

    def run(self):
        Interrupts.body = self
        try:
            return self._run()
        finally:
            Interrupts.body = None

    def _run(self):
        steps = self.node.steps(
            self.kit["settings"],
            self.call["limit_seconds"],
            self.parts,
            key=self.key,
            on_started=self.tell_started,
            on_silence=self._heed,
        )
        end = self._end_of(lambda: next(steps))
        return self._go_on(steps, end) if isinstance(end, tuple) else end

    def _tell_driver(self, started_us):
        self.kit["mail"].started.remote(self.kit["topic"], self.key, started_us)

    def _go_on(self, steps, step):
        """Serves the child in another thread, from its first wish on."""
        ends = []

        def serve():
            ends.append(self._end_of(lambda: self._serve(steps, step)))
            if self.driver is not None:
                self.driver.close()

        thread = threading.Thread(target=serve, daemon=True, name="sluice-body")
        thread.start()
        while thread.is_alive():
            self._heed()
            if self.waits and self.driver is not None and self.driver.open_refs():
                try:
                    ray.wait(self.driver.open_refs(), num_returns=1, timeout=WAIT_SECONDS)
                except KeyboardInterrupt:
                    # Raised by Ray itself, which knows that the task is cancelled.
                    self.interrupted = True
            thread.join(WAIT_SECONDS)
        return ends[0]

    def _serve(self, steps, step):
        while True:
            self._grant(*step)
            step = next(steps)

    def _grant(self, child, header, body):
        role = header["role"]
        if role in ("secede", "resume"):
            self.waits = role == "secede"
            return
        # A message for the cluster: runs that its body submits.
        if self.driver is None:
            self.driver = RayDriver(self.kit, lambda events: tell_down(child, events))
        self.driver.handle(header, body)

    @staticmethod
    def _end_of(step):
        """The end that a step leads to, or what the step gives."""
        try:
            return step()
        except StopIteration as over:
            return over.value
        except NodeDied as died:
            return end_of({"type": "died", "how": died.how, "tail": died.tail, "crash": died.crash})
        except NodeUnfit as unfit:
            return end_of({"type": "unfit", "reason": str(unfit)})
        except BaseException as error:
            return end_of({"type": "died", "how": f"{type(error).__name__}: {error}", "tail": "", "crash": None})

    def _heed(self):
        """Asks the body to stop when Ray has interrupted it: a moment later, since the reason comes by mail."""
        if not self.interrupted or self.heeded > HEED_AFTER:
            return
        self.heeded += 1
        if self.heeded > HEED_AFTER:
            self.node.ask_to_stop(self.key, "The run was cancelled.")
            timer = threading.Timer(self.call["grace_seconds"], self.node.kill, (self.key,))
            timer.daemon = True
            timer.start()
