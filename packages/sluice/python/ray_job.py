"""One flow run of Sluice as a Ray job: the driver that Ray starts on a node.

`ray_job.py ORDER` runs the body whose order is in the folder of that name, somewhere on the module search path: `job.json`, and `call`, which is what `run_body` takes. This file lies in
`sdk/HASH/python` of the job's package, beside `code/HASH`. Runs that the body submits go to the cluster by the driver of this process, as in a Ray worker.

The log of the job is how it speaks: `sluice-started TOKEN MICROSECONDS`, and at the end `sluice-end TOKEN BASE64`, the end of the body as `NodeBridge.run` gives it.
"""

import base64
import codecs
import json
import os
import signal
import sys
import threading

from ray_bridge import driver_source, host_of, text_of

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
JOB_CONFIG = "RAY_JOB_CONFIG_JSON_ENV_VAR"
STOP_WAIT = "RAY_JOB_STOP_WAIT_TIME_S"
READ_BYTES = 1 << 16
# For the pipe's end: a process that the body has left behind may hold it open.
DRAIN_SECONDS = 2


def main():
    order = order_folder(sys.argv[1])
    with open(os.path.join(order, "job.json"), encoding="utf8") as file:
        job = json.load(file)
    with open(os.path.join(order, "call"), "rb") as file:
        call = file.read()
    leave_package_out(order)
    log = Log(job["token"])
    try:
        end = run(job, call, log)
    finally:
        log.drain()
    log.tell("sluice-end", base64.b64encode(end).decode())
    return 0 if type_of(end) == "completed" else 1


def run(job, call, log):
    """Runs the body, and gives its end."""
    import ray

    source = driver_source()
    host = host_of(source, job["module"] + "_job")
    ray.init(log_to_driver=True, logging_level="ERROR", **job["init_kwargs"])
    # Ray's own way with it, which was just set, ends the process. While a body runs this is taken note of, and the body asked to stop.
    signal.signal(signal.SIGTERM, host.Interrupts.interrupted)
    kit = host.kit_of(host, job["module"], source, text_of("python_call.py"))
    kit["topic"] = "job"
    kit["settings"] = job["settings"]
    kit["sdk"] = ray.put(files_of("sdk/" + job["sdk"]))
    kit["codes"][job["code"]] = ray.put(files_of("code/" + job["code"]))
    end = host.run_body(kit, call, (), lambda started_us: log.tell("sluice-started", started_us))
    host.leave_node(kit)
    return end if len(end) <= job["most_bytes"] else host.end_of({"type": "too-large", "bytes": len(end)})


def order_folder(name):
    for folder in sys.path:
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            return path
    raise SystemExit(f"expected the folder {name} on the module search path, found it in none of {sys.path}")


def leave_package_out(order):
    """Keeps what only this process needs out of the runtime environment of the job's tasks: their workers are up sooner, and get the code by another way."""
    config = json.loads(os.environ.get(JOB_CONFIG, "{}"))
    environment = config.get("runtime_env") or {}
    environment.pop("working_dir", None)
    others = [uri for uri in environment.get("py_modules") or [] if stem_of(uri) != os.path.basename(os.path.dirname(order))]
    environment["py_modules"] = others
    if not others:
        del environment["py_modules"]
    variables = environment.get("env_vars") or {}
    variables.pop(STOP_WAIT, None)
    if JOB_CONFIG in os.environ:
        os.environ[JOB_CONFIG] = json.dumps(config)


def stem_of(uri):
    return uri.rpartition("/")[2].removesuffix(".zip")


def files_of(folder):
    """`(folder, {path: content})` of the job's package, as `NodeBridge.store` takes them."""
    root = os.path.join(PACKAGE, folder)
    files = {}
    for parent, _, names in os.walk(root):
        for name in names:
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                files[os.path.relpath(path, root).replace(os.sep, "/")] = file.read()
    return folder, files


def type_of(end):
    size = int.from_bytes(end[:4], "little")
    return json.loads(end[4 : 4 + size])["type"]


class Log:
    """The log of the job, which Ray gives to nobody as soon as it holds a byte that is no UTF-8: what this process and its children write goes through here."""

    def __init__(self, token):
        self.token = token
        self.file = os.dup(1)
        reader, writer = os.pipe()
        for descriptor in (1, 2):
            os.dup2(writer, descriptor)
        os.close(writer)
        self.thread = threading.Thread(target=self._pass_on, args=(reader,), daemon=True, name="sluice-log")
        self.thread.start()

    def _pass_on(self, reader):
        decoder = codecs.getincrementaldecoder("utf8")("replace")
        while True:
            chunk = os.read(reader, READ_BYTES)
            self._write(decoder.decode(chunk, not chunk))
            if not chunk:
                return

    def _write(self, text):
        rest = text.encode()
        while rest:
            rest = rest[os.write(self.file, rest) :]

    def tell(self, word, value):
        """Writes a line of its own, whatever the body has written before."""
        self._write(f"\n{word} {self.token} {value}\n")

    def drain(self):
        """Waits for what was written before; what this process still writes goes to the log directly."""
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor in (1, 2):
            os.dup2(self.file, descriptor)
        self.thread.join(timeout=DRAIN_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
