#!/usr/bin/env python3
"""Plays the requests of `generate_cases.py` to two servers and compares their answers.

    diff_generated.py --a http://REAL/api --b http://OURS/api --cases cases.jsonl

First come the operations that read: all of them on one scene, in which there is one thing of each kind. Then those that write, each with things of
its own; a thing is made anew after it has been deleted. Both servers must be fresh. A 503 of a server (the real one answers so when SQLite is locked) is
asked again. Prints a line of JSON for each difference, `{"case", "statuses", "difference", "request", "answers"}`, and last the totals.
"""
import argparse, datetime, json, re, sys, time, uuid
from urllib.parse import quote

import httpx

from answers import first_difference, outcome
from scene import Scene, filled, references

ATTEMPTS = 10
READS = re.compile(r"^GET |/(filter|count|paginate|history|lateness|latest/count|next-runs|count-deployments|count-task-runs|counts|count-by/\{countable\}|validate|concurrency_status)$")
SHOWN = 600
EVENTS_WITHIN_SECONDS = 30
# The real server waits 60 s for a locked database before it answers 503.
ANSWER_WITHIN_SECONDS = 150


class Servers:
    def __init__(self, urls):
        # No connection is used twice: the real server breaks one after it has failed on a request.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.clients = [httpx.Client(base_url=url.rstrip("/"), timeout=ANSWER_WITHIN_SECONDS, limits=limits) for url in urls]
        self.asked_again = 0

    def send(self, server, method, path, body=None, query=None):
        content = {} if body is None else {"content": json.dumps(body), "headers": {"content-type": "application/json"}}
        for attempt in range(ATTEMPTS):
            try:
                response = self.clients[server].request(method, path, params=query, **content)
            except httpx.TransportError as error:
                raise RuntimeError(f"{method} {path} at server {'AB'[server]}: {error!r}") from error
            if response.status_code != 503:
                break
            self.asked_again += 1
            time.sleep(float(response.headers.get("Retry-After", 0.1 * (attempt + 1))))
        return response

    def until_events_are_there(self):
        """Events are stored behind the answer to what caused them, in their order: sends one more and awaits that both servers show it."""
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        last = {"id": str(uuid.uuid4()), "occurred": now, "event": "scene.made", "resource": {"prefect.resource.id": "scene"}}
        until = time.monotonic() + EVENTS_WITHIN_SECONDS
        for server in (0, 1):
            self.send(server, "POST", "/events", [last]).raise_for_status()
        for server in (0, 1):
            while not self.send(server, "POST", "/events/filter", {"filter": {"id": {"id": [last["id"]]}}}).json()["events"]:
                if time.monotonic() > until:
                    raise RuntimeError(f"server {'AB'[server]} does not show an event within {EVENTS_WITHIN_SECONDS} s")
                time.sleep(0.1)


def play(servers, scene, case):
    """Returns both answers."""
    scene.make(references([case["path"], case.get("body")]))
    answers = []
    for server, known in enumerate(scene.known):
        path = quote(filled(case["path"], known))
        answers.append(servers.send(server, case["method"], path, filled(case.get("body"), known), case["query"]))
    return answers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--a", required=True), parser.add_argument("--b", required=True), parser.add_argument("--cases", required=True)
    parser.add_argument("-v", action="store_true", help="print the answers that are the same, too")
    args = parser.parse_args()
    with open(args.cases, encoding="utf-8") as file:
        cases = [json.loads(line) for line in file]
    servers = Servers([args.a, args.b])
    totals = {"cases": 0, "same": 0, "different": 0, "successes": 0}
    writes = [case for case in cases if not READS.search(case["operation"])]
    scene = Scene(servers.send)
    scene.make_all()
    servers.until_events_are_there()
    for case in [case for case in cases if case not in writes] + writes:
        is_write = not READS.search(case["operation"])
        if is_write and (case["number"] == 1 or case["method"] == "DELETE" or case["path"].endswith("/bulk_delete")):
            scene = Scene(servers.send)
        answers = play(servers, scene, case)
        difference = first_difference(*map(outcome, answers))
        totals["cases"] += 1
        totals["successes"] += answers[0].is_success
        totals["same" if difference is None else "different"] += 1
        name = f"{case['operation']} #{case['number']}"
        if difference is not None:
            statuses = [answer.status_code for answer in answers]
            shown = {"request": json.dumps(case.get("body"))[:SHOWN], "answers": [answer.text[:SHOWN] for answer in answers]}
            print(json.dumps({"case": name, "statuses": statuses, "difference": difference, **shown}))
        elif args.v:
            print("same", answers[0].status_code, name)
    print(json.dumps({**totals, "asked_again": servers.asked_again}))


if __name__ == "__main__":
    sys.exit(main())
