"""The bridge between a program in Node.js and a Ray cluster, started with that cluster's own Python.

`ray_bridge.py '{"module", "init_kwargs"}'` speaks frames as `node_process.py` does, on standard input and output, and first says `hello`, or `error`. It ends when its standard input does,
and with it all that it had on the cluster.
"""

import json
import os
import struct
import sys
import traceback
import types

BUFFER_BYTES = 1 << 16
FOLDER = os.path.dirname(os.path.abspath(__file__))


def text_of(*names):
    texts = []
    for name in names:
        with open(os.path.join(FOLDER, name), encoding="utf8") as file:
            texts.append(file.read())
    return "\n".join(texts)


def driver_source():
    """What drives a cluster: here, and in Ray's workers, which get it as text."""
    return text_of("node_process.py", "node_bridge.py", "ray_driver.py", "ray_node.py")


def host_of(source, name):
    """That text as a module. Needs Ray."""
    host = types.ModuleType(name)
    exec(compile(source, "sluice_ray.py", "exec"), host.__dict__)
    return host


def main():
    out = os.fdopen(os.dup(1), "wb", buffering=BUFFER_BYTES)
    os.dup2(2, 1)
    settings = json.loads(sys.argv[1])
    source = driver_source()
    write = writer(out)
    try:
        import ray

        host = host_of(source, settings["module"] + "_bridge")
        context = ray.init(log_to_driver=True, logging_level="ERROR", **settings["init_kwargs"])
    except Exception as error:
        write([({"event": "error", "message": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}, b"")])
        return 1
    kit = host.kit_of(host, settings["module"], source, text_of("python_call.py"))
    driver = host.RayDriver(kit, write)
    resources = ray.cluster_resources()
    hello = {
        "event": "hello",
        "ray": ray.__version__,
        "python": sys.version.split()[0],
        "hosts": sorted({node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}),
        "cpus": resources.get("CPU", 0),
        "dashboard": getattr(context, "dashboard_url", None) or None,
    }
    driver.outbox.put(hello)
    serve(host, driver)
    driver.close()
    ray.shutdown()
    return 0


def writer(out):
    """Writes events, `(header, content)`, together; their frames are those of node_process.py, which is not there when Ray is not."""

    def write(events):
        for header, content in events:
            text = json.dumps(header).encode()
            out.write(struct.pack("<IQ", len(text), len(content)) + text)
            out.write(content)
        out.flush()

    return write


def serve(host, driver):
    stdin = sys.stdin.buffer
    while True:
        head = stdin.read(host.FRAME.size)
        if len(head) < host.FRAME.size:
            return
        header_size, body_size = host.FRAME.unpack(head)
        header = json.loads(stdin.read(header_size))
        body = stdin.read(body_size) if body_size else b""
        try:
            driver.handle(header, body)
        except Exception as error:
            driver.outbox.put({"event": "trouble", "op": header.get("op"), "message": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    sys.exit(main())
