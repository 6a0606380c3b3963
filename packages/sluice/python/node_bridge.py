"""Warm Node processes inside a Python worker: those that run a body, and those that wait for one.

Executed after `node_process.py`, with its names as globals.
"""


IDLE_SECONDS = 30
RESUMED = {"role": "resumed"}


def pool_of(settings_text):
    """Warm children are shared by what they were started with: Ray tells each task its GPUs by the environment."""
    return settings_text + os.environ.get("CUDA_VISIBLE_DEVICES", "")


class Body:
    """One body in a child: what is done with what the child says, whoever listens to it.

    Its end is bytes: `u32 length of the header | header (JSON) | value`.
    """

    def __init__(self, bridge, child, settings_text, limit_seconds, *, key, on_started):
        self.bridge = bridge
        self.child = child
        self.settings_text = settings_text
        self.limit_seconds = limit_seconds
        self.key = key
        self.on_started = on_started
        self.timer = None
        self.end = None
        # When it has started, for both sides: only a limit of its time needs to know it better.
        self.started_us = time.time_ns() // 1000
        with bridge.lock:
            bridge.running[key] = child
            child.cancelled = key in bridge.unwanted
        if child.cancelled:
            child.end()

    def order(self, parts):
        """The frame that makes the child run it."""
        header = {
            "role": "run",
            "parts": [len(part) for part in parts],
            "started_us": self.started_us,
            "tells_start": self.limit_seconds is not None,
        }
        return header, parts

    def silent(self):
        """The child was silent for a while. What is over before that is not reported as started: its end says it."""
        on_started, self.on_started = self.on_started, None
        if on_started is not None:
            on_started(self.started_us)

    def hear(self, header, content):
        """Takes what the child says. True for a wish, which is for whoever listens."""
        role = header["role"]
        if role == "ended":
            self.end = content
        elif role == "crashed":
            self.child.crash = header["error"]
        elif role == "started":
            self._limit()
        else:
            return True
        return False

    def _limit(self):
        if self.limit_seconds is not None and self.timer is None:
            self.timer = threading.Timer(self.limit_seconds, self._time_out)
            self.timer.daemon = True
            self.timer.start()

    def _time_out(self):
        self.child.timed_out = True
        self.child.end()

    def end_of_death(self):
        """The end of a body whose child was ended from here; None where it died by itself."""
        if self.child.timed_out:
            return end_of({"type": "timed-out"})
        if self.child.cancelled:
            return end_of({"type": "cancelled-by-force"})
        return None

    def over(self):
        bridge, child = self.bridge, self.child
        if self.timer is not None:
            self.timer.cancel()
        with bridge.lock:
            bridge.running.pop(self.key, None)
        if self.end is not None and not bridge.closed and not child.cancelled:
            bridge.give_back(self.settings_text, child)
        else:
            child.kill()


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

    def steps(self, settings_text, limit_seconds, parts, *, key, on_started, on_silence):
        """Runs one body in this thread, and returns its end.

        Yields its wishes (`secede`, `resume`, `up`) as `(child, header, content)`; whoever iterates may do so in another thread from then on. `on_silence` is called, by the thread
        that iterates, at each time that the body was silent for some tenth of a second. Raises NodeDied when the child ended under it, NodeUnfit when there was none to be had.
        """
        child = self.idle_child(settings_text) or self.new_child(settings_text)
        body = Body(self, child, settings_text, limit_seconds, key=key, on_started=on_started)

        def silence():
            body.silent()
            on_silence()

        try:
            child.on_silence = silence
            child.send(*body.order(parts))
            while body.end is None:
                header, content = child.receive()
                if body.hear(header, content):
                    yield child, header, content
                    if header["role"] == "resume":
                        child.send(RESUMED)
            return body.end
        except NodeDied:
            end = body.end_of_death()
            if end is None:
                raise
            return end
        finally:
            body.over()

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
        if child.line is not None:
            child.line.write(header)
            return
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
        child.end()

    def forget(self, key):
        """The body of this key is over: should it come again, it is wanted."""
        with self.lock:
            self.unwanted.discard(key)

    def close(self):
        self.closed = True
        with self.lock:
            idle = [child for children in self.idle.values() for child in children]
            running = list(self.running.values())
            self.idle.clear()
        for child in idle:
            child.kill()
        for child in running:
            child.end()
        shutil.rmtree(self.root, ignore_errors=True)

    def idle_child(self, settings_text):
        with self.lock:
            children = self.idle.get(pool_of(settings_text), [])
            while children:
                child = children.pop()
                if child.lives():
                    return child
        return None

    def new_child(self, settings_text):
        return NodeProcess(settings_text, self.root, self.surroundings())

    def give_back(self, settings_text, child):
        child.idle_since = time.monotonic()
        with self.lock:
            self.idle.setdefault(pool_of(settings_text), []).append(child)
            if self.reaper is None:
                self.reaper = threading.Thread(target=self._reap, daemon=True, name="sluice-reaper")
                self.reaper.start()

    def retire_idle(self):
        """Ends the warm children in good order: what they have to report goes out first."""
        with self.lock:
            children = [child for children in self.idle.values() for child in children]
            self.idle.clear()
        for child in children:
            self._retire(child)

    def _retire(self, child):
        self._tell(child, {"role": "shutdown"})
        try:
            child.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            pass
        child.kill()

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
                self._retire(child)
            if done:
                return
