"""What runs on the workers: a module of its own, which they import by PYTHONPATH, so that no task carries code."""


def noop(item: int) -> int:
    return item


def echo(payload: bytes) -> bytes:
    return payload
