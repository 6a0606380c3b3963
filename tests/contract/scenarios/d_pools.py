"""Work pools, work queues, the worker channel and concurrency limits, as clients see them."""
import asyncio, json, uuid
from datetime import datetime, timezone
from kit import *
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.states import Pending, Scheduled


@scenario("50-work-pools-and-queues")
def _():
    pool = uniq("pool")

    async def go():
        async with get_client() as client:
            made = await client.create_work_pool(WorkPoolCreate(name=pool, type="process", concurrency_limit=3))
            check("default queue", made.default_queue_id, made)
            eq("not ready without a worker", made.status.value, "NOT_READY")
            urgent = await client.create_work_queue(name="urgent", work_pool_name=pool, priority=1, concurrency_limit=2)
            queues = await client.read_work_queues(work_pool_name=pool)
            eq("priorities moved on", [(q.name, q.priority) for q in queues], [("urgent", 1), ("default", 2)])
            flow_id = await client.create_flow_from_name(uniq("flow"))
            made_for = {}
            for queue in ("urgent", "default"):
                made_for[queue] = await client.create_deployment(flow_id=flow_id, name=queue, work_pool_name=pool, work_queue_name=queue)
            runs = {}
            for name, queue in (("d", "default"), ("u1", "urgent"), ("u2", "urgent"), ("u3", "urgent")):
                runs[name] = await client.create_flow_run_from_deployment(made_for[queue], name=name, state=Scheduled())
            waiting = lambda found: [one.flow_run.name for one in found]
            found = await client.get_scheduled_flow_runs_for_work_pool(pool)
            eq("urgent first, within the limits", waiting(found), ["u1", "u2", "d"])
            await client.set_flow_run_state(runs["u1"].id, Pending())
            found = await client.get_scheduled_flow_runs_for_work_pool(pool)
            eq("slots are taken", waiting(found), ["u2", "d"])
            found = await client.get_scheduled_flow_runs_for_work_pool(pool, work_queue_names=["default"])
            eq("one queue only", waiting(found), ["d"])
            status = post(f"/work_pools/{pool}/concurrency_status", {}, 200).json()
            eq("status of the pool", (status["active_slots"], [q["active_slots"] for q in status["queues"]]), (1, [1, 0]))
            polled = lambda: get(f"/work_pools/{pool}/queues/urgent").json()
            until(lambda: polled()["status"] == "READY")
            check("polled", polled()["last_polled"], polled())
            await client.update_work_queue(urgent.id, is_paused=True)
            eq("a paused queue gives none", waiting(await client.get_scheduled_flow_runs_for_work_pool(pool)), ["d"])
            eq("default queue stays", rest.delete(f"/work_pools/{pool}/queues/default").status_code >= 400, True)
            eq("reserved name", post("/work_pools/", {"name": "prefect-x"}).status_code, 403)
            eq("undeclared variable", post("/work_pools/", {"name": uniq("p"), "base_job_template": {"job_configuration": {"c": "{{ x }}"}, "variables": {"properties": {"y": {"type": "string"}}}}}).status_code, 422)
            await client.delete_work_pool(pool)
            eq("queues go with it", get(f"/work_queues/{urgent.id}").status_code, 404)
            eq("runs stay", (await client.read_flow_run(runs["u2"].id)).state_type, StateType.SCHEDULED)
    asyncio.run(go())


@scenario("51-worker-channel")
def _():
    import websockets
    pool = uniq("channel")
    url = str(rest.base_url).replace("http", "ws", 1).rstrip("/") + f"/work_pools/{pool}/workers/connect"
    frame = lambda kind, payload: json.dumps({"type": kind, "id": str(uuid.uuid4()), "sent_at": datetime.now(timezone.utc).isoformat(), "payload": payload})
    consumer = str(uuid.uuid4())
    hello = {"consumer_id": consumer, "worker_name": "w", "worker_type": "process", "heartbeat_interval_seconds": 30, "supported_channel_versions": ["work_pool_worker_channel.v1"],
             "requested_capabilities": ["worker_heartbeat.v1", "work_pool_snapshot.v1"], "create_pool_if_not_found": True}

    async def go():
        async def connect(payload):
            ws = await websockets.connect(url, subprotocols=["prefect"])
            await ws.send(json.dumps({"type": "auth", "token": None}))
            eq("greeted", json.loads(await ws.recv()), {"type": "auth_success"})
            await ws.send(frame("worker.hello.v1", payload))
            return ws
        ws = await connect(hello)
        ready = json.loads(await asyncio.wait_for(ws.recv(), 10))["payload"]
        eq("ready", (ready["worker_id"], ready["initial_snapshot"]["snapshot_sequence"], ready["initial_snapshot"]["work_pool"]["status"]), (None, 1, "READY"))
        rest.patch(f"/work_pools/{pool}", json={"concurrency_limit": 4})
        news = json.loads(await asyncio.wait_for(ws.recv(), 10))
        eq("snapshot", (news["type"], news["payload"]["snapshot_sequence"], news["payload"]["work_pool"]["concurrency_limit"]), ("work_pool.snapshot.v1", 2, 4))
        await ws.send(frame("worker.heartbeat.v1", {"consumer_id": consumer, "worker_name": "w", "heartbeat_interval_seconds": 9}))
        until(lambda: post(f"/work_pools/{pool}/workers/filter", {}).json()[0]["heartbeat_interval_seconds"] == 9)
        check("heartbeat kept", True)
        rest.delete(f"/work_pools/{pool}")
        await asyncio.wait_for(ws.wait_closed(), 10)
        eq("closed with the pool", (ws.close_code, ws.close_reason), (1008, "authorization_failed"))
        ws = await connect({**hello, "create_pool_if_not_found": False})
        await asyncio.wait_for(ws.wait_closed(), 10)
        eq("no such pool", (ws.close_code, ws.close_reason), (1008, "authorization_failed"))
    asyncio.run(go())


@scenario("52-tag-concurrency-limits")
def _():
    tag, one, other = uniq("tag"), str(uuid.uuid4()), str(uuid.uuid4())
    cli("concurrency-limit", "create", tag, "1")
    take = lambda id: post("/concurrency_limits/increment", {"names": [tag], "task_run_id": id})
    eq("taken", take(one).status_code, 200)
    full = take(other)
    eq("full", full.status_code, 423)
    check("Retry-After", float(full.headers.get("Retry-After", 0)) > 0, dict(full.headers))
    eq("holder", get(f"/concurrency_limits/tag/{tag}").json()["active_slots"], [one])
    eq("the same limit by its other name", get(f"/v2/concurrency_limits/tag:{tag}").json()["active_slots"], 1)
    post("/concurrency_limits/decrement", {"names": [tag], "task_run_id": one}, 200)
    eq("given back", take(other).status_code, 200)
    cli("concurrency-limit", "inspect", tag), cli("concurrency-limit", "delete", tag)
    eq("gone", get(f"/concurrency_limits/tag/{tag}").status_code, 404)
