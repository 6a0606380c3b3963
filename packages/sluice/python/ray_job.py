"""One flow run of Sluice as a Ray job: the driver that Ray starts on a node.

`ray_job.py ORDER` runs the body whose order is in the folder of that name, somewhere on the module search path: `job.json`, and `call`, which is what `run_body` takes. This file lies in
`sdk/HASH/python` of the job's package, beside `code/HASH`. Runs that the body submits go to the cluster by the driver of this process, as in a Ray worker.

The log of the job is how it speaks: `sluice-started TOKEN MICROSECONDS`, and at the end `sluice-end TOKEN BASE64`, the end of the body as `NodeBridge.run` gives it.
"""

import base64
import json
import os
import signal
import sys

from ray_bridge import driver_source, host_of, text_of

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
JOB_CONFIG = "RAY_JOB_CONFIG_JSON_ENV_VAR"
STOP_WAIT = "RAY_JOB_STOP_WAIT_TIME_S"


def main():
    order = order_folder(sys.argv[1])
    with open(os.path.join(order, "job.json"), encoding="utf8") as file:
        job = json.load(file)
    with open(os.path.join(order, "call"), "rb") as file:
        call = file.read()
    leave_package_out(order)

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
    end = host.run_body(kit, call, (), lambda started_us: tell("sluice-started", job["token"], started_us))
    host.leave_node(kit)
    if len(end) > job["most_bytes"]:
        end = host.end_of({"type": "too-large", "bytes": len(end)})
    tell("sluice-end", job["token"], base64.b64encode(end).decode())
    return 0 if type_of(end) == "completed" else 1


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


def tell(word, token, value):
    """Writes a line of the log that begins as one, whatever the body has written before."""
    text = f"\n{word} {token} {value}\n".encode()
    while text:
        text = text[os.write(1, text) :]


if __name__ == "__main__":
    sys.exit(main())
