"""Calls a Python function by name for a task of Sluice, in a worker of a cluster: only the workers need its module."""

import importlib
import json
import time
import traceback


def run_python(call, parts):
    """Calls a Python function by name, and gives the end of that as `NodeBridge.run` does."""
    call = json.loads(call)
    started_us = time.time_ns() // 1000
    module, _, name = call["function"].partition(":")
    try:
        function = importlib.import_module(module)
        for attribute in name.split("."):
            function = getattr(function, attribute)
        values = [memoryview(parts[arg["$part"]]) if isinstance(arg, dict) and "$part" in arg else arg for arg in call["args"]]
        result = function(*values, **call["kwargs"])
        return python_end(result, started_us)
    except Exception as error:
        text = json.dumps(
            {
                "type": "python-failed",
                "started_us": started_us,
                "class": type(error).__module__ + "." + type(error).__qualname__,
                "message": str(error),
                "traceback": "".join(traceback.format_exception(error)),
            }
        ).encode()
        return len(text).to_bytes(4, "little") + text


def python_end(result, started_us):
    if isinstance(result, (bytes, bytearray, memoryview)):
        encoding, body = "bytes", bytes(result)
    else:
        if hasattr(result, "tolist"):
            result = result.tolist()
        encoding, body = "json", json.dumps(result).encode()
    text = json.dumps({"type": "python-completed", "encoding": encoding, "started_us": started_us}).encode()
    return b"".join((len(text).to_bytes(4, "little"), text, body))
