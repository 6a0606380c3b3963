#!/usr/bin/env python3
"""Makes requests up from the contract, for `diff_generated.py` to play: one JSON object a line, the same ones every time.

    generate_cases.py --openapi contract/openapi.json --cases 5 --out cases.jsonl

A case: `{"operation", "number", "method", "path", "query", "body"}`; `{flow}` and the like stand for the id or the name of a thing of `scene.py`.
Bodies are valid by the schema. As text made up at random is seldom a cron line, a time zone or the id of something that is there, the contract
is tuned first: such properties are in about half of the cases one of WORDS or of THINGS. Runs in `.venv/interop` (schemathesis, hypothesis).
"""
import argparse, copy, json, re, sys
from datetime import datetime, timezone
from urllib.parse import unquote

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig

from scene import PLACES, named_by_path

SEED = 7
# So many are made up for each that is kept: from the smallest to the largest, evenly.
SPARE = 3

WORDS = {
    "cron": ["0 * * * *", "*/5 9-17 * * 1-5", "@daily", "0 0 31 2 *"],
    "rrule": ["FREQ=DAILY;COUNT=3", "DTSTART:20260101T000000\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE", "FREQ=HOURLY;INTERVAL=6"],
    "timezone": ["UTC", "Europe/Berlin", "America/New_York"],
    "interval": [60.0, 3600.0, 86400.0],
    "anchor_date": ["2026-01-01T00:00:00Z", "2026-03-29T01:30:00+01:00"],
    "name": ["plain", "with-dash", "under_score", "Two Words"],
    "slug": ["a-slug", "slug-2"],
    "tag": ["plain", "blue"],
    "all_": ["plain"],
    "limit": [0, 1, 2, 200],
    "offset": [0, 1],
    "page": [1, 2],
    "like_": ["a", "PLAIN", "%"],
    "history_start": ["2026-01-01T00:00:00Z"],
    "history_end": ["2026-01-03T00:00:00Z"],
    "history_interval_seconds": [3600.0, 43200.0],
    "base_job_template": [{}, {"job_configuration": {"command": "{{ command }}"}, "variables": {"type": "object", "properties": {"command": {"type": "string"}}}}],
    "parameter_openapi_schema": [{}, {"type": "object", "properties": {"x": {"type": "integer"}}}],
    "parameters": [{}, {"x": 1}],
}
# What lies beyond makes the real server fail, and tells nothing about the contract: hostile input has a test of its own (tests/faults).
NUMBERS = {"integer": 2**31 - 1, "number": 1e9}
TIMES = strategies.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=strategies.just(timezone.utc)).map(datetime.isoformat)

TYPES = {str: "string", int: "integer", float: "number", dict: "object"}


def either(choices, schema):
    """About half of what is made up is one of `choices`, the rest is any."""
    return {"anyOf": [{"enum": choices}, schema]}


def hinted(schema, owner, key):
    """The schema with the hints of its place that it takes; only text is a reference."""
    most = NUMBERS.get(schema.get("type"))
    if most:
        schema = {"minimum": -most, "maximum": most, **schema}
    thing = PLACES.get((owner, key)) or PLACES.get(key)
    if thing and schema.get("type") == "string":
        return either(["{%s}" % thing], schema)
    words = [word for word in WORDS.get(key, ()) if TYPES[type(word)] == schema.get("type")]
    return either(words, schema) if words else schema


def tune(schema, owner, key=""):
    """Returns a schema of the contract with the hints of WORDS and PLACES; `owner` is the schema's name, `key` the property it stands at."""
    if not isinstance(schema, dict):
        return schema
    schema = dict(schema)
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            schema[word] = [tune(part, owner, key) for part in schema[word]]
    for word in ("items", "additionalProperties"):
        if word in schema:
            schema[word] = tune(schema[word], owner, key)
    if "properties" not in schema:
        return hinted(schema, owner, key)
    schema["properties"] = {name: tune(part, owner, name) for name, part in schema["properties"].items()}
    # What a body may hold beside its properties is ignored by both: nothing is learnt from it.
    if owner.startswith("Body_"):
        schema["additionalProperties"] = False
    return schema


def tuned(contract):
    contract = copy.deepcopy(contract)
    schemas = contract["components"]["schemas"]
    for name, schema in schemas.items():
        schemas[name] = tune(schema, name)
    for operations in contract["paths"].values():
        for operation in operations.values():
            # The only header is the version of the API: all requests of a client carry the same.
            operation["parameters"] = [p for p in operation.get("parameters", ()) if p["in"] != "header"]
    return contract


def operations_of(contract):
    generation = GenerationConfig(allow_x00=False)
    config = SchemathesisConfig(projects=ProjectsConfig(default=ProjectConfig(generation=generation)))
    for found in schemathesis.openapi.from_dict(tuned(contract), config=config).get_all_operations():
        yield found.ok()


def made_up(operation, count):
    """Returns up to `count` different requests, the smallest first."""
    found = {}

    @seed(SEED)
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def collect(case):
        request = {
            "path": {name: unquote(str(value)) for name, value in (case.path_parameters or {}).items()},
            "query": {name: value for name, value in (case.query or {}).items() if isinstance(value, (str, int, float, bool))},
        }
        if type(case.body).__name__ != "NotSet":
            request["body"] = case.body
        found[json.dumps(request, sort_keys=True)] = request

    collect()
    return [found[text] for text in sorted(found, key=lambda text: (len(text), text))]


def evenly(items, count):
    """Returns `count` of the items from the first to the last; all when there are no more."""
    if len(items) <= count:
        return items
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def path_of(template, values, number):
    """Fills the path in. Two of three cases address what is there."""
    things = named_by_path(template)

    def value(match):
        name = match.group(1)
        if name in things and number % 3 != 2:
            return "{%s}" % things[name]
        # A slash would be a part of another path.
        return re.sub(r"[/{}\\]", "-", values[name]) or "-"

    return re.sub(r"\{(\w+)\}", value, template)


def cases_of(operation, count):
    """Yields the cases of an operation; what is the same request twice is one case."""
    method, template = operation.method.upper(), operation.path
    chosen = {}
    for number, request in enumerate(evenly(made_up(operation, count * SPARE), count)):
        case = {**request, "path": path_of(template, request["path"], number)}
        chosen.setdefault(json.dumps(case, sort_keys=True), case)
    for number, case in enumerate(chosen.values(), start=1):
        yield json.dumps({"operation": f"{method} {template}", "number": number, "method": method, **case})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--openapi", required=True)
    parser.add_argument("--cases", type=int, default=5, help="for each operation; fewer where there are no more different ones")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    schemathesis.openapi.format("date-time", TIMES)
    with open(args.openapi, encoding="utf-8") as file:
        contract = json.load(file)
    lines = [line for operation in operations_of(contract) for line in cases_of(operation, args.cases)]
    with open(args.out, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
