"""Measures Prefect: measure.py BENCH full|small SERVER_PID RESULT_FILE, with PREFECT_API_URL set. Writes a JSON array of samples."""

import asyncio
import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import prefect
from prefect.states import State

import peer_flows as flows
from spin import calibrate

PEER = f"prefect {prefect.__version__}"
US_PER_TICK = 1_000_000 // os.sysconf("SC_CLK_TCK")
RECORDED_TIMEOUT_SECONDS = 240


def stat_fields(pid):
    """Fields of /proc/<pid>/stat from the third on, or None for a process that has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="latin1")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text[text.rindex(")") + 2 :].split(" ")


def tree(roots):
    """Stat fields by pid of the roots and all their live descendants."""
    stats = {int(name): stat_fields(name) for name in os.listdir("/proc") if name.isdigit()}
    stats = {pid: fields for pid, fields in stats.items() if fields is not None}
    found, open_pids = {}, list(roots)
    while open_pids:
        pid = open_pids.pop()
        if pid in stats:
            found[pid] = stats[pid]
        open_pids += [child for child, fields in stats.items() if int(fields[1]) == pid]
    return found


def tree_cpu_us(roots):
    return sum(sum(int(fields[index]) for index in range(11, 15)) for fields in tree(roots).values()) * US_PER_TICK


def peak_rss_mb(roots):
    kilobytes = 0
    for pid in tree(roots):
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return kilobytes * 1024 / 1e6


class Stopwatch:
    """CPU counts this process, its children and the server, which does the recording."""

    def __init__(self, server_pid):
        self.roots = [os.getpid(), server_pid]
        self.cpu = tree_cpu_us(self.roots)
        self.start = time.perf_counter()

    def sample(self, name, n, **more):
        seconds = time.perf_counter() - self.start
        cpu_us = tree_cpu_us(self.roots) - self.cpu
        return {"name": name, "n": n, "seconds": seconds, "cpuUs": cpu_us, "peakRssMb": peak_rss_mb(self.roots), "peer": PEER, **more}


def post(path, body):
    request = urllib.request.Request(
        os.environ["PREFECT_API_URL"] + path, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def await_recorded(flow_run_id, n):
    """Waits until the server shows n completed task runs of the flow run."""
    body = {"flow_runs": {"id": {"any_": [str(flow_run_id)]}}, "task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    deadline = time.monotonic() + RECORDED_TIMEOUT_SECONDS
    count = -1
    while count < n:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{count} of {n} task runs were recorded after {RECORDED_TIMEOUT_SECONDS} s")
        time.sleep(0.1)
        try:
            count = post("/task_runs/count", body)
        except urllib.error.HTTPError as error:
            if error.code != 503:  # what the server answers while its database is locked
                raise


def flow_run_id(state: State):
    return state.state_details.flow_run_id


def measure_tasks(small, server_pid):
    n = 50 if small else 1000
    flows.noop_tasks(5)
    watch = Stopwatch(server_pid)
    state = flows.noop_tasks(n, return_state=True)
    returned = watch.sample("tasks/returned", n)
    await_recorded(flow_run_id(state), n)
    return [returned, watch.sample("tasks/recorded", n)]


def measure_subflows(small, server_pid):
    n = 3 if small else 10
    samples = []
    for name, run in (
        ("subflows/inline", lambda: asyncio.run(flows.subflows_async(n))),
        ("subflows/inline-sync", lambda: flows.subflows_sync(n)),
        ("subflows/thread", lambda: flows.on_threads(flows.subflows_in_tasks)(n)),
        ("subflows/process", lambda: flows.on_processes(flows.subflows_in_tasks)(n)),
    ):
        watch = Stopwatch(server_pid)
        run()
        samples.append(watch.sample(name, n))
    return samples


def measure_cpu(small, server_pid):
    n, seconds = (2, 0.05) if small else (8, 0.5)
    rounds = calibrate(seconds)
    samples = []
    for name, parent in (
        ("cpu/sequential", flows.spin_sequential),
        ("cpu/threads-cold", flows.on_threads(flows.spin_in_tasks)),
        ("cpu/processes-cold", flows.on_processes(flows.spin_in_tasks)),
    ):
        watch = Stopwatch(server_pid)
        parent(n, rounds)
        sample = watch.sample(name, n)
        samples.append(sample | {"speedup": samples[0]["seconds"] / sample["seconds"]} if samples else sample)
    return samples


def measure_runner(small, server_pid):
    """Measured inside the flow, because a sync flow rounds its own end up to the next second."""
    samples = []

    @prefect.flow
    def round_trips(name, n):
        watch = Stopwatch(server_pid)
        for item in range(n):
            flows.noop.submit(item).result()
        samples.append(watch.sample(name, n))

    @prefect.flow
    def burst(name, n):
        watch = Stopwatch(server_pid)
        for future in [flows.noop.submit(item) for item in range(n)]:
            future.result()
        samples.append(watch.sample(name, n))

    for kind, on, n in (("thread", flows.on_threads, 100), ("process", flows.on_processes, 20)):
        n = 5 if small else n
        on(round_trips)(f"runner/{kind}-round-trip", n)
        on(burst)(f"runner/{kind}-throughput", n)
    return samples


MEASURES = {"tasks": measure_tasks, "subflows": measure_subflows, "cpu": measure_cpu, "runner": measure_runner}

if __name__ == "__main__":
    bench, scale, pid, result_file = sys.argv[1:]
    Path(result_file).write_text(json.dumps(MEASURES[bench](scale == "small", int(pid))))
