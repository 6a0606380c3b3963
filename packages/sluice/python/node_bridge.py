"""Warm Node processes inside a Python worker, which run the flows and tasks of Sluice.

Sent to a cluster as source text and executed there; pure standard library. A child and its bridge share one socket. Each frame on it is
`u32 length of the header | u64 length of the body | header (JSON) | body`, little endian. Bodies are opaque here: their codec is the SDK's.

One child runs one body at a time. The bridge says `start`, then `run`; the child says `ready`, then `started` where it is asked to, any number of `secede` and `resume`, and `ended`, whose
body is the end of the run as it is given on: `u32 length of the header | header (JSON) | value`.
"""

import collections
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

PROTOCOL = 1
START_LIMIT_SECONDS = 60
IDLE_SECONDS = 30
TAIL_BYTES = 8192
READ_AHEAD_BYTES = 16384
# A body that is over by then is not reported as started: its end says it.
QUICK_SECONDS = 0.1
SOCKET_BUFFER_BYTES = 1 << 20
FRAME = struct.Struct("<IQ")
RESULT = struct.Struct("<I")


class NodeDied(Exception):
    """The child ended before its body did: how, and the last that it wrote to its standard error."""

    def __init__(self, how, tail, crash=None):
        super().__init__(how, tail)
        self.how = how
        self.tail = tail
        self.crash = crash


class NodeUnfit(Exception):
    """No child could be started, or it speaks another protocol."""


def pool_of(settings_text):
    """Warm children are shared by what they were started with: Ray tells each task its GPUs by the environment."""
    return settings_text + os.environ.get("CUDA_VISIBLE_DEVICES", "")


def end_of(end):
    """The end of a body: `u32 length of the header | header (JSON)`, after which its value comes."""
    text = json.dumps(end).encode()
    return RESULT.pack(len(text)) + text


NODE_VERSIONS = {}


def find_node(candidates, least):
    """The first of these programs that is Node.js of at least this version (major, minor)."""
    found = []
    for candidate in candidates:
        path = shutil.which(candidate)
        if path is None:
            continue
        version = NODE_VERSIONS.get(path)
        if version is None:
            text = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30).stdout.strip()
            version = NODE_VERSIONS[path] = text or "nothing"
        try:
            fits = tuple(int(part) for part in version.lstrip("v").split(".")[:2]) >= tuple(least)
        except ValueError:
            fits = False
        if fits:
            return path
        found.append(f"{path} ({version})")
    raise NodeUnfit(
        f"expected Node.js {least[0]}.{least[1]} or newer on {socket.gethostname()} as one of {', '.join(candidates)}, "
        f"found {', '.join(found) or 'none'}; install it there, or give its path by the option \"node\" of the task runner"
    )


class NodeProcess:
    def __init__(self, settings_text, root, surroundings):
        settings = json.loads(settings_text)
        node = find_node(settings["node"], settings["least_node"])
        ours, theirs = socket.socketpair()
        alive_reader, self.alive = os.pipe()
        for end in (ours, theirs):
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                end.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
        entry = os.path.join(root, "sdk", settings["sdk"], settings["entry"])
        environment = dict(os.environ, **settings["env"])
        environment["SLUICE_BRIDGE"] = f"{theirs.fileno()},{alive_reader},{root}"
        self.socket = ours
        self.poller = select.poll()
        self.poller.register(ours, select.POLLIN)
        self.ahead = b""
        self.sending = threading.Lock()
        self.ending = threading.Lock()
        self.crash = None
        self.cancelled = False
        self.timed_out = False
        self.idle_since = 0.0
        try:
            self.process = subprocess.Popen(
                [node, *settings["exec_argv"], entry],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment,
                pass_fds=(theirs.fileno(), alive_reader),
                start_new_session=True,
            )
        finally:
            theirs.close()
            os.close(alive_reader)
        self.tail = collections.deque(maxlen=64)
        self.reader = threading.Thread(target=self._pass_errors_on, daemon=True, name="sluice-stderr")
        self.reader.start()
        try:
            self._greet(dict(surroundings, role="start", settings=settings_text))
        except BaseException:
            self.kill()
            raise

    def _greet(self, start):
        self.socket.settimeout(START_LIMIT_SECONDS)
        self.send(start)
        try:
            header, _ = self.receive()
        except TimeoutError:
            raise NodeUnfit(f"the Node process was not ready within {START_LIMIT_SECONDS} seconds") from None
        except NodeDied as died:
            if died.how.startswith("signal"):
                raise
            raise NodeUnfit(f"the Node process ended before it was ready ({died.how}): {died.tail}") from None
        if header["role"] != "ready":
            raise NodeUnfit(header.get("message", f"the Node process answered {header['role']}"))
        self.socket.settimeout(None)

    def _pass_errors_on(self):
        for line in self.process.stderr:
            self.tail.append(line)
            sys.stderr.write(line.decode("utf8", "replace"))
            sys.stderr.flush()

    def send(self, header, parts=()):
        """Sends a frame; from any thread."""
        with self.sending:
            self._send(header, parts)

    def _send(self, header, parts):
        text = json.dumps(header).encode()
        size = sum(len(part) for part in parts)
        views = [memoryview(FRAME.pack(len(text), size) + text)]
        views.extend(memoryview(part).cast("B") for part in parts if len(part) > 0)
        try:
            while views:
                sent = self.socket.sendmsg(views[:512])
                while views and sent >= len(views[0]):
                    sent -= len(views.pop(0))
                if sent:
                    views[0] = views[0][sent:]
        except OSError:
            raise self._death() from None

    def receive(self):
        header_size, body_size = FRAME.unpack(self._read(FRAME.size))
        header = json.loads(self._read(header_size))
        return header, self._read(body_size)

    def _read(self, size):
        """The next bytes: small frames come several at a time, large ones go straight into place."""
        buffer = bytearray(size)
        at = 0
        while at < len(buffer):
            if self.ahead:
                taken = self.ahead[: len(buffer) - at]
                buffer[at : at + len(taken)] = taken
                self.ahead = self.ahead[len(taken) :]
                at += len(taken)
                continue
            missing = len(buffer) - at
            try:
                if missing >= READ_AHEAD_BYTES:
                    got = self.socket.recv_into(memoryview(buffer)[at:])
                    at += got
                else:
                    self.ahead = self.socket.recv(READ_AHEAD_BYTES)
                    got = len(self.ahead)
            except TimeoutError:
                raise
            except OSError:
                # Reset by the child, or closed here by whoever has ended it.
                got = 0
            if got == 0:
                raise self._death()
        return buffer

    def speaks_within(self, seconds):
        return bool(self.ahead) or bool(self.poller.poll(seconds * 1000))

    def _death(self):
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return NodeDied("its connection closed while the process lived", self._last_words())
        self.reader.join(timeout=0.5)
        how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        return NodeDied(how, self._last_words(), self.crash)

    def _last_words(self):
        return b"".join(list(self.tail))[-TAIL_BYTES:].decode("utf8", "replace").strip()

    def kill(self):
        """Ends the child with all that it has started."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            pass
        # Whoever serves the body and whoever cancels it may both come here: a descriptor closed twice may be somebody else's by then.
        with self.ending:
            if self.alive is not None:
                os.close(self.alive)
                self.alive = None
        self.socket.close()

    def lives(self):
        return self.process.poll() is None


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

    def run(self, settings_text, limit_seconds, parts, *, key, on_started, secede, rejoin, up=None):
        """Runs one body and gives its end as bytes: `u32 length of the header | header (JSON) | value`.

        Raises NodeDied when the child ended under it, NodeUnfit when there was none to be had.
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
        try:
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
                if quick and not child.speaks_within(QUICK_SECONDS):
                    quick = False
                    on_started(started_us)
                header, body = child.receive()
                role = header["role"]
                if role == "crashed":
                    child.crash = header["error"]
                elif role == "ended":
                    fit = True
                    return body
                elif role == "started":
                    if limit_seconds is not None and timer is None:
                        timer = threading.Timer(limit_seconds, self._time_out, (child,))
                        timer.daemon = True
                        timer.start()
                elif role == "up":
                    up(child, header, body)
                elif role == "secede":
                    secede()
                elif role == "resume":
                    rejoin()
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
