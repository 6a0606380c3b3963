"""The children of a worker whose event loop listens to them. Executed after `node_process.py` and `node_bridge.py`, with their names as globals.

A thread for each body would cost more than the rest of it: it and the loop would take turns at Python's lock, several times a body.
"""

import asyncio

LARGE_BYTES = 65536


class LineEnded(Exception):
    """The child is gone."""


class Line:
    """What a child says and is told, on the event loop of its worker, while a body runs in it."""

    def __init__(self, child, loop):
        self.child = child
        self.loop = loop
        self.socket = child.socket
        self.descriptor = child.socket.fileno()
        self.socket.setblocking(False)
        self.unsent = []
        self.is_writing = False
        self.ahead = bytearray()
        # The header of a frame whose large body is on its way into place, and as much of it as is there.
        self.header = None
        self.content = None
        self.filled = 0
        self.heard = collections.deque()
        self.waiter = None
        self.ended = False
        loop.add_reader(self.descriptor, self._read)
        child.line = self

    def close(self):
        self.loop.remove_reader(self.descriptor)
        if self.is_writing:
            self.loop.remove_writer(self.descriptor)
        self.child.line = None

    def write(self, header, parts=()):
        """Sends a frame, after those before it."""
        self.unsent.extend(views_of(header, parts))
        if not self.is_writing:
            self._write()

    def _write(self):
        try:
            while self.unsent:
                send_some(self.socket, self.unsent)
        except BlockingIOError:
            if not self.is_writing:
                self.is_writing = True
                self.loop.add_writer(self.descriptor, self._write)
            return
        except OSError:
            self.unsent.clear()
            self._end()
        if self.is_writing:
            self.is_writing = False
            self.loop.remove_writer(self.descriptor)

    async def read(self):
        """The next frame. Raises LineEnded."""
        while not self.heard:
            if self.ended:
                raise LineEnded
            self.waiter = self.loop.create_future()
            await self.waiter
        return self.heard.popleft()

    def _read(self):
        try:
            got = self._fill() if self.content is not None else self._take()
        except BlockingIOError:
            return
        except OSError:
            got = 0
        if got == 0:
            self._end()

    def _end(self):
        self.ended = True
        self.loop.remove_reader(self.descriptor)
        self._wake()

    def _hear(self, header, content):
        self.heard.append((header, content))
        self._wake()

    def _wake(self):
        waiter, self.waiter = self.waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _fill(self):
        got = self.socket.recv_into(memoryview(self.content)[self.filled :])
        self.filled += got
        self._look_whole()
        return got

    def _look_whole(self):
        if self.filled == len(self.content):
            content, self.content = self.content, None
            self._hear(self.header, content)

    def _take(self):
        data = self.socket.recv(LARGE_BYTES)
        ahead = self.ahead
        ahead += data
        while self.content is None and len(ahead) >= FRAME.size:
            header_size, size = FRAME.unpack_from(ahead)
            begin = FRAME.size + header_size
            if len(ahead) < begin:
                break
            whole = begin + size
            if len(ahead) >= whole:
                header, content = json.loads(ahead[FRAME.size : begin]), ahead[begin:whole]
                del ahead[:whole]
                self._hear(header, content)
            elif size >= LARGE_BYTES:
                self.header = json.loads(ahead[FRAME.size : begin])
                self.content = bytearray(size)
                self.filled = len(ahead) - begin
                self.content[: self.filled] = ahead[begin:]
                ahead.clear()
            else:
                break
        return len(data)


async def run_body(bridge, settings_text, limit_seconds, parts, *, key, on_started, grant):
    """Runs one body, and gives its end. `grant` is awaited with the role of each of its wishes: `secede`, `resume`.

    Raises NodeDied when the child ended under it, NodeUnfit when there was none to be had.
    """
    loop = asyncio.get_running_loop()
    child = bridge.idle_child(settings_text) or await loop.run_in_executor(None, bridge.new_child, settings_text)
    body = Body(bridge, child, settings_text, limit_seconds, key=key, on_started=on_started)
    line = Line(child, loop)
    silence = loop.call_later(SILENCE_SECONDS, body.silent)
    try:
        line.write(*body.order(parts))
        while body.end is None:
            header, content = await line.read()
            if body.hear(header, content):
                await grant(header["role"])
                if header["role"] == "resume":
                    line.write(RESUMED)
        return body.end
    except LineEnded:
        died = await loop.run_in_executor(None, child.death)
        end = body.end_of_death()
        if end is None:
            raise died from None
        return end
    finally:
        silence.cancel()
        line.close()
        body.over()


class Slots:
    """Bodies that may compute at once. A worker starts no more than it has threads; one that waited for runs of its own comes back among them, before the next."""

    def __init__(self, count):
        self.free = count
        self.waiting = collections.deque()

    async def take(self, first=False):
        if self.free > 0 and (first or not self.waiting):
            self.free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        if first:
            self.waiting.appendleft(turn)
        else:
            self.waiting.append(turn)
        await turn

    def give(self):
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1
