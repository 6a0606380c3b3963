"""What two answers to the same request have in common: status, kind of content, and the JSON value without what is each server's own."""
import json, re

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.I)
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")
# Where a page of events is followed by another: the token is sealed with each server's own key.
NEXT_PAGE = re.compile(r"https?://[^/]+(/api/events/filter/next\?page-token=).+")
# Durations that are measured by the clock.
MEASURED = {"estimated_run_time", "estimated_start_time_delta", "total_run_time", "lateness", "duration"}
# Names that a server makes up for a run without one: two words, ours with some characters more.
MADE_UP = re.compile(r"[a-z]+-[a-z]+(-[0-9a-f]{3})?")


def value_of(value):
    """The value with `<id>` for an id, `<time>` for a time, `<measured>` for a duration; a list becomes the set of its elements, in an order of its own."""
    if isinstance(value, dict):
        value = {**value, "name": "<made up>"} if MADE_UP.fullmatch(str(value.get("name"))) else value
        # The real server finds the event before only when that is stored already, which happens some time after it.
        value = {**value, "follows": "<event>"} if "follows" in value else value
        return {value_of(key): "<measured>" if key in MEASURED and isinstance(part, (int, float)) else value_of(part) for key, part in value.items()}
    if isinstance(value, list):
        return [json.loads(text) for text in sorted({json.dumps(value_of(part), sort_keys=True) for part in value})]
    if isinstance(value, str):
        return NEXT_PAGE.sub(r"\1<token>", TIME.sub("<time>", UUID.sub("<id>", value)))
    return value


def outcome(response):
    kind = response.headers.get("content-type", "").split(";")[0] if response.content else ""
    value = value_of(response.json() if kind == "application/json" else response.text)
    # The texts of a failed validation are those of Python's library: that it failed is what counts.
    if response.status_code == 422 and isinstance(value, dict):
        value = sorted(value)
    return {"status": response.status_code, "type": kind, "value": value}


def first_difference(a, b, path=""):
    """Where two outcomes differ, in words; None when they do not."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            if key not in a or key not in b:
                return f"{path}/{key}: only in {'A' if key in a else 'B'}"
            found = first_difference(a[key], b[key], f"{path}/{key}")
            if found:
                return found
        return None
    if isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return f"{path}[]: {len(a)} different elements in A, {len(b)} in B"
        found = (first_difference(x, y, f"{path}[{i}]") for i, (x, y) in enumerate(zip(a, b)))
        return next((each for each in found if each), None)
    # A bare number with a fraction is a mean of durations.
    if path == "/value" and isinstance(a, float) and isinstance(b, float):
        return None
    # Ours are the numbers of JavaScript: above 2**53 not every integer is one.
    is_number = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (a, b))
    is_same = float(a) == float(b) if is_number else type(a) is type(b) and a == b
    return None if is_same else f"{path}: A={json.dumps(a)[:160]} B={json.dumps(b)[:160]}"
