"""Warm Node processes inside a Python worker: those that run a body, and those that wait for one.

Executed after `node_process.py`, with its names as globals.
"""


import contextlib

IDLE_SECONDS = 30


def pool_of(settings_text):
    """Warm children are shared by what they were started with: Ray tells each task its GPUs by the environment."""
    return settings_text + os.environ.get("CUDA_VISIBLE_DEVICES", "")


class NodeBridge:
    """The children of one worker: those that run a body, by its key, and the warm ones, by how they were started."""

    def __init__(self, root, surroundings):
        self.root = root
        self.surroundings = surroundings
        self.lock = threading.Lock()
        self.idle = {}
        self.running = {}
        # Bodies that are no longer wanted and have no child yet: they are being given one.
        self.unwanted = set()
        self.closed = False
        self.reaper = None

    def store(self, folder, files):
        """Writes files below `root/folder`, which appears whole or not at all."""
        target = os.path.join(self.root, folder)
        if os.path.exists(target):
            return
        draft = f"{target}.{os.getpid()}.{threading.get_ident()}.draft"
        for path, content in files.items():
            file = os.path.join(draft, path)
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with open(file, "wb") as out:
                out.write(content)
        try:
            os.rename(draft, target)
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)
            if not os.path.exists(target):
                raise

    def run(self, settings_text, limit_seconds, parts, *, key, on_started, secede, rejoin):
        """Runs one body in this thread, as `steps` does, and gives its end."""
        with contextlib.closing(self.steps(settings_text, limit_seconds, parts, key=key, on_started=on_started)) as steps:
            while True:
                try:
                    _, header, _ = next(steps)
                except StopIteration as over:
                    return over.value
                if header["role"] == "secede":
                    secede()
                elif header["role"] == "resume":
                    rejoin()

    def steps(self, settings_text, limit_seconds, parts, *, key, on_started, on_silence=None):
        """Runs one body, and returns its end as bytes: `u32 length of the header | header (JSON) | value`.

        Yields what it says on the way (`secede`, `resume`, `up`) as `(child, header, body)`; whoever iterates may do so in another thread from then on. `on_silence` is called, by the
        thread that iterates, at each time that the body was silent for some tenth of a second. Raises NodeDied when the child ended under it, NodeUnfit when there was none to be had.
        """
        child = self._take(settings_text)
        with self.lock:
            self.running[key] = child
            child.cancelled = key in self.unwanted
        if child.cancelled:
            child.kill()
        timer = None
        fit = False
        # When the body has started, for both sides: only a limit of its time needs to know it better.
        started_us = time.time_ns() // 1000
        quick = True

        def silence():
            nonlocal quick
            # A body that is over before the first silence is not reported as started: its end says it.
            if quick:
                quick = False
                on_started(started_us)
            if on_silence is not None:
                on_silence()

        try:
            child.on_silence = silence
            child.send(
                {
                    "role": "run",
                    "parts": [len(part) for part in parts],
                    "started_us": started_us,
                    "tells_start": limit_seconds is not None,
                },
                parts,
            )
            while True:
                header, body = child.receive()
                role = header["role"]
                if role == "ended":
                    fit = True
                    return body
                if role == "crashed":
                    child.crash = header["error"]
                elif role == "started":
                    if limit_seconds is not None and timer is None:
                        timer = threading.Timer(limit_seconds, self._time_out, (child,))
                        timer.daemon = True
                        timer.start()
                else:
                    yield child, header, body
                    if role == "resume":
                        child.send({"role": "resumed"})
        except NodeDied:
            if child.timed_out:
                return end_of({"type": "timed-out"})
            if child.cancelled:
                return end_of({"type": "cancelled-by-force"})
            raise
        finally:
            if timer is not None:
                timer.cancel()
            with self.lock:
                self.running.pop(key, None)
            if fit and not self.closed and not child.cancelled:
                self._give_back(settings_text, child)
            else:
                child.kill()

    @staticmethod
    def _time_out(child):
        child.timed_out = True
        child.kill()

    def ask_to_stop(self, key, message):
        """Passes the wish to stop on to the body of this key; False when it does not run here."""
        with self.lock:
            child = self.running.get(key)
        if child is None:
            return False
        self._tell(child, {"role": "cancel", "message": message})
        return True

    def cancel_run(self, run_id):
        with self.lock:
            children = list(self.running.values())
        for child in children:
            self._tell(child, {"role": "cancel-run", "runId": run_id})

    @staticmethod
    def _tell(child, header):
        try:
            child.send(header)
        except (NodeDied, OSError):
            pass  # it has ended: whoever waits for it hears of that

    def kill(self, key):
        """Ends the child that runs the body of this key, at once."""
        with self.lock:
            child = self.running.get(key)
            if child is None:
                self.unwanted.add(key)
                return
            child.cancelled = True
        child.kill()

    def forget(self, key):
        """The body of this key is over: should it come again, it is wanted."""
        with self.lock:
            self.unwanted.discard(key)

    def close(self):
        self.closed = True
        with self.lock:
            children = [child for children in self.idle.values() for child in children]
            children.extend(self.running.values())
            self.idle.clear()
        for child in children:
            child.kill()
        shutil.rmtree(self.root, ignore_errors=True)

    def _take(self, settings_text):
        with self.lock:
            children = self.idle.get(pool_of(settings_text), [])
            while children:
                child = children.pop()
                if child.lives():
                    return child
        return NodeProcess(settings_text, self.root, self.surroundings())

    def _give_back(self, settings_text, child):
        child.idle_since = time.monotonic()
        with self.lock:
            self.idle.setdefault(pool_of(settings_text), []).append(child)
            if self.reaper is None:
                self.reaper = threading.Thread(target=self._reap, daemon=True, name="sluice-reaper")
                self.reaper.start()

    def _reap(self):
        while not self.closed:
            time.sleep(IDLE_SECONDS / 6)
            overdue = []
            with self.lock:
                for text, children in list(self.idle.items()):
                    keep = [child for child in children if time.monotonic() - child.idle_since < IDLE_SECONDS]
                    overdue.extend(child for child in children if child not in keep)
                    if keep:
                        self.idle[text] = keep
                    else:
                        del self.idle[text]
                if not self.idle:
                    self.reaper = None
                    done = True
                else:
                    done = False
            for child in overdue:
                self._tell(child, {"role": "shutdown"})
                try:
                    child.process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    pass
                child.kill()
            if done:
                return
