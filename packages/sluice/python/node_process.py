"""One Node process inside a Python worker, which runs flows and tasks of Sluice, and the line to it.

Sent to a cluster as source text and executed there; pure standard library. A child and its bridge share one socket. Each frame on it is
`u32 length of the header | u64 length of the body | header (JSON) | body`, little endian. Bodies are opaque here: their codec is the SDK's.

One child runs one body at a time. The bridge says `start`, then `run`; the child says `ready`, then `started` where it is asked to, any number of `secede` and `resume`, and `ended`, whose
body is the end of the run as it is given on: `u32 length of the header | header (JSON) | value`.
"""

import collections
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

START_LIMIT_SECONDS = 60
# Whoever listens to a child is told of each such time in which it said nothing.
SILENCE_SECONDS = 0.1
TAIL_BYTES = 8192
READ_AHEAD_BYTES = 16384
SOCKET_BUFFER_BYTES = 1 << 20
FRAME = struct.Struct("<IQ")
PERIOD = struct.Struct("@ll")
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


def end_of(end):
    """The end of a body: `u32 length of the header | header (JSON)`, after which its value comes."""
    text = json.dumps(end).encode()
    return RESULT.pack(len(text)) + text


def views_of(header, parts):
    """A frame as it is sent; its parts are not copied."""
    text = json.dumps(header).encode()
    size = sum(len(part) for part in parts)
    views = [memoryview(FRAME.pack(len(text), size) + text)]
    views.extend(memoryview(part).cast("B") for part in parts if len(part) > 0)
    return views


def send_some(line, views):
    """Sends what goes at once, and takes it off the list."""
    sent = line.sendmsg(views[:512])
    while views and sent >= len(views[0]):
        sent -= len(views.pop(0))
    if sent:
        views[0] = views[0][sent:]


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
        self.ahead = b""
        self.on_silence = None
        # Its line where an event loop listens to it (node_loop.py).
        self.line = None
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
        # A limit of the socket's own, since what is read within it costs one call of the system.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, PERIOD.pack(0, int(SILENCE_SECONDS * 1e6)))

    def _pass_errors_on(self):
        for line in self.process.stderr:
            self.tail.append(line)
            sys.stderr.write(line.decode("utf8", "replace"))
            sys.stderr.flush()

    def send(self, header, parts=()):
        """Sends a frame; from any thread."""
        self.send_all([(header, parts)])

    def send_all(self, frames):
        """Sends frames, `(header, parts)`, together; from any thread."""
        views = [view for header, parts in frames for view in views_of(header, parts)]
        try:
            with self.sending:
                while views:
                    send_some(self.socket, views)
        except OSError:
            raise self.death() from None

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
            except BlockingIOError:
                self.on_silence()
                continue
            except OSError:
                # Reset by the child, or closed here by whoever has ended it.
                got = 0
            if got == 0:
                raise self.death()
        return buffer

    def death(self):
        """How it has ended, which it has or is about to."""
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return NodeDied("its connection closed while the process lived", self._last_words())
        self.reader.join(timeout=0.5)
        how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        return NodeDied(how, self._last_words(), self.crash)

    def _last_words(self):
        return b"".join(list(self.tail))[-TAIL_BYTES:].decode("utf8", "replace").strip()

    def end(self):
        """Ends the child with all that it has started; whoever listens to it hears of that."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass

    def kill(self):
        """Ends the child, and lets go of it."""
        self.end()
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
