"""The things that generated requests address: how each is made, and where in a request it may be named.

In a request `{flow}` stands for the id of the flow that the asked server has made, `{flow_name}` for its name, and so on. A thing is made when a request
names it; a thing that it needs itself is made first. Names and keys are the same on both servers, ids are each server's own.
"""
import json, re
from dataclasses import dataclass

REFERENCE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Thing:
    """`gives`: the references it stands behind, each with the field of the answer (of the body, when the answer is empty) that it is."""

    method: str
    path: str
    body: object
    gives: dict


# {mark} is another one for every thing that is made.
THINGS = [
    Thing("POST", "/flows/", {"name": "flow-{mark}", "tags": ["plain"], "labels": {"team": "blue"}}, {"flow": "id", "flow_name": "name"}),
    Thing("POST", "/flow_runs/", {"flow_id": "{flow}", "name": "run-{mark}", "parameters": {"x": 1}, "tags": ["plain"], "idempotency_key": "key-{mark}", "state": {"type": "RUNNING", "name": "Running"}}, {"flow_run": "id", "flow_run_state": "state_id"}),
    Thing("POST", "/task_runs/", {"flow_run_id": "{flow_run}", "task_key": "task", "dynamic_key": "{mark}", "name": "task-{mark}", "tags": ["plain"], "state": {"type": "RUNNING", "name": "Running"}}, {"task_run": "id", "task_run_state": "state_id"}),
    Thing("POST", "/flow_runs/", {"flow_id": "{flow}", "name": "subflow-{mark}", "parent_task_run_id": "{task_run}", "state": {"type": "PENDING"}}, {"subflow": "id"}),
    Thing("POST", "/flow_runs/{flow_run}/input", {"key": "input-{mark}", "value": "1", "sender": "somebody"}, {"input_key": "key"}),
    Thing("POST", "/logs/", [{"name": "logger", "level": 20, "message": "hello", "timestamp": "2026-01-01T00:00:00Z", "flow_run_id": "{flow_run}", "task_run_id": "{task_run}"}], {"log": None}),
    Thing("POST", "/artifacts/", {"key": "artifact-{mark}", "type": "markdown", "data": "# Title", "description": "text", "flow_run_id": "{flow_run}", "task_run_id": "{task_run}"}, {"artifact": "id", "artifact_key": "key"}),
    Thing("POST", "/variables/", {"name": "variable_{mark}", "value": {"a": 1}, "tags": ["plain"]}, {"variable": "id", "variable_name": "name"}),
    Thing("POST", "/work_pools/", {"name": "pool-{mark}", "type": "process", "base_job_template": {"job_configuration": {"command": "{{ command }}"}, "variables": {"type": "object", "properties": {"command": {"type": "string"}}}}}, {"work_pool": "id", "work_pool_name": "name"}),
    Thing("POST", "/work_pools/{work_pool_name}/queues", {"name": "queue-{mark}", "priority": 2}, {"work_queue": "id", "work_queue_name": "name"}),
    Thing("POST", "/work_pools/{work_pool_name}/workers/heartbeat", {"name": "worker-{mark}", "heartbeat_interval_seconds": 3600}, {"worker_name": "name"}),
    # Its schedule is not active: what a service of either server makes of one in the background is no part of an answer.
    Thing("POST", "/deployments/", {"flow_id": "{flow}", "name": "deployment-{mark}", "work_pool_name": "{work_pool_name}", "work_queue_name": "{work_queue_name}", "entrypoint": "flows.py:flow", "path": ".", "tags": ["plain"], "parameters": {"x": 1}, "parameter_openapi_schema": {"type": "object", "properties": {"x": {"type": "integer"}}}, "enforce_parameter_schema": True, "schedules": [{"active": False, "slug": "daily", "schedule": {"cron": "0 0 * * *", "timezone": "UTC"}}]}, {"deployment": "id", "deployment_name": "name"}),
    Thing("GET", "/deployments/{deployment}/schedules", None, {"schedule": "id"}),
    Thing("POST", "/deployments/{deployment}/create_flow_run", {"name": "scheduled-{mark}"}, {"scheduled_run": "id"}),
    Thing("POST", "/v2/concurrency_limits/", {"name": "limit-{mark}", "limit": 5}, {"limit_v2": "id", "limit_v2_name": "name"}),
    Thing("POST", "/v2/concurrency_limits/increment-with-lease", {"names": ["{limit_v2_name}"], "slots": 1, "mode": "concurrency", "lease_duration": 3600}, {"lease": "lease_id"}),
    Thing("POST", "/concurrency_limits/", {"tag": "tag-{mark}", "concurrency_limit": 3}, {"limit": "id", "limit_tag": "tag"}),
    Thing("POST", "/block_types/", {"name": "Block {mark}", "slug": "block-{mark}"}, {"block_type": "id", "block_type_slug": "slug"}),
    Thing("POST", "/block_schemas/", {"block_type_id": "{block_type}", "capabilities": ["reading"], "fields": {"title": "Block {mark}", "type": "object", "properties": {"place": {"type": "string"}, "key": {"type": "string", "format": "password"}}, "secret_fields": ["key"], "block_type_slug": "{block_type_slug}"}}, {"block_schema": "id", "block_checksum": "checksum"}),
    Thing("POST", "/block_documents/", {"name": "document-{mark}", "data": {"place": "here", "key": "secret"}, "block_schema_id": "{block_schema}", "block_type_id": "{block_type}"}, {"block_document": "id", "block_document_name": "name"}),
    Thing("POST", "/automations/", {"name": "automation-{mark}", "trigger": {"type": "event", "posture": "Reactive", "expect": ["never"], "threshold": 1, "within": 0}, "actions": [{"type": "do-nothing"}]}, {"automation": "id"}),
    Thing("PUT", "/saved_searches/", {"name": "search-{mark}", "filters": []}, {"saved_search": "id"}),
]

MAKERS = {reference: thing for thing in THINGS for reference in thing.gives}

# Where a body may name what: by property, or by schema and property where the property alone does not tell.
PLACES = {
    **{f"{thing}_id": thing for thing in ("flow", "flow_run", "task_run", "deployment", "work_pool", "work_queue", "block_type", "block_schema", "block_document", "automation", "lease")},
    **{f"{thing}_ids": thing for thing in ("flow", "flow_run", "deployment")},
    **{place: place for place in ("work_pool_name", "work_queue_name")},
    "parent_task_run_id": "task_run",
    "global_concurrency_limit_id": "limit_v2",
    "names": "limit_v2_name",
    ("Body_increment_concurrency_limits_v1_concurrency_limits_increment_post", "names"): "limit_tag",
    ("Body_decrement_concurrency_limits_v1_concurrency_limits_decrement_post", "names"): "limit_tag",
    **{
        (schema, key): thing
        for key in ("any_", "not_any_")
        for schema, thing in {
            "ArtifactFilterKey": "artifact_key",
            "BlockTypeFilterSlug": "block_type_slug",
            "DeploymentFilterName": "deployment_name",
            "FlowFilterName": "flow_name",
            "VariableFilterName": "variable_name",
            "WorkPoolFilterName": "work_pool_name",
            "WorkQueueFilterName": "work_queue_name",
            "ArtifactFilterId": "artifact",
            "ArtifactFilterFlowRunId": "flow_run",
            "ArtifactFilterTaskRunId": "task_run",
            "ArtifactCollectionFilterLatestId": "artifact",
            "ArtifactCollectionFilterFlowRunId": "flow_run",
            "ArtifactCollectionFilterTaskRunId": "task_run",
            "AutomationFilterId": "automation",
            "BlockDocumentFilterId": "block_document",
            "BlockDocumentFilterBlockTypeId": "block_type",
            "BlockSchemaFilterId": "block_schema",
            "BlockSchemaFilterBlockTypeId": "block_type",
            "DeploymentFilterId": "deployment",
            "FlowFilterId": "flow",
            "FlowRunFilterId": "flow_run",
            "FlowRunFilterDeploymentId": "deployment",
            "FlowRunFilterParentFlowRunId": "flow_run",
            "FlowRunFilterParentTaskRunId": "task_run",
            "LogFilterFlowRunId": "flow_run",
            "LogFilterTaskRunId": "task_run",
            "TaskRunFilterFlowRunId": "flow_run",
            "TaskRunFilterId": "task_run",
            "VariableFilterId": "variable",
            "WorkPoolFilterId": "work_pool",
            "WorkQueueFilterId": "work_queue",
        }.items()
    },
}

# What the parts of a path name: the first line that fits says it.
PATH_PARTS = [
    (r"/artifacts/", {"id": "artifact", "key": "artifact_key"}),
    (r"/automations/", {"id": "automation"}),
    (r"/block_documents/", {"id": "block_document"}),
    (r"/block_schemas/", {"id": "block_schema", "checksum": "block_checksum"}),
    (r"/block_types/", {"id": "block_type", "slug": "block_type_slug", "block_document_name": "block_document_name"}),
    (r"/concurrency_limits/", {"id": "limit", "tag": "limit_tag"}),
    (r"/deployments/", {"id": "deployment", "schedule_id": "schedule", "flow_name": "flow_name", "deployment_name": "deployment_name"}),
    (r"/flow_run_states/", {"id": "flow_run_state"}),
    (r"/flow_runs/", {"id": "flow_run", "key": "input_key"}),
    (r"/flows/", {"id": "flow", "name": "flow_name"}),
    (r"/saved_searches/", {"id": "saved_search"}),
    (r"/task_run_states/", {"id": "task_run_state"}),
    (r"(/ui)?/task_runs/", {"id": "task_run"}),
    (r"/v2/concurrency_limits/", {"id_or_name": "limit_v2_name", "lease_id": "lease"}),
    (r"/variables/", {"id": "variable", "name": "variable_name"}),
    (r"/work_pools/\{work_pool_name\}/queues/", {"work_pool_name": "work_pool_name", "name": "work_queue_name"}),
    (r"/work_pools/\{work_pool_name\}/workers/", {"work_pool_name": "work_pool_name", "name": "worker_name"}),
    (r"/work_pools/", {"name": "work_pool_name", "work_pool_name": "work_pool_name"}),
    (r"/work_queues/", {"id": "work_queue", "name": "work_queue_name"}),
]


def named_by_path(template):
    """What the parts of a path of the contract name: `{"id": "flow"}`."""
    return next((things for pattern, things in PATH_PARTS if re.match(pattern, template)), {})


def references(value):
    """The references in a request, in their order."""
    return [name for name in REFERENCE.findall(json.dumps(value)) if name in MAKERS]


def filled(value, known):
    """The value with each known reference replaced by what it stands for."""
    if isinstance(value, str):
        return REFERENCE.sub(lambda match: str(known.get(match.group(1), match.group(0))), value)
    if isinstance(value, list):
        return [filled(part, known) for part in value]
    if isinstance(value, dict):
        return {key: filled(part, known) for key, part in value.items()}
    return value


class Scene:
    """The things of one stretch of cases, on two servers. `send(server, method, path, body)` answers with a response."""

    marks = 0

    def __init__(self, send):
        self.send = send
        self.known = ({}, {})

    def make(self, names):
        """Makes what the names stand behind, unless it is there; a server that refuses ends the run, as nothing after it would mean anything."""
        for name in names:
            if name not in self.known[0]:
                self._make(MAKERS[name])

    def make_all(self):
        self.make(MAKERS)

    def _make(self, thing):
        self.make(references([thing.path, thing.body]))
        Scene.marks += 1
        mark = f"m{Scene.marks}"
        for server, known in enumerate(self.known):
            body = filled(thing.body, {**known, "mark": mark})
            response = self.send(server, thing.method, filled(thing.path, known), body)
            if not response.is_success:
                raise RuntimeError(f"server {'AB'[server]} refuses to make {sorted(thing.gives)}: {response.status_code} {response.text[:300]}")
            answer = (response.json() if response.content else None) or body
            answer = answer[0] if isinstance(answer, list) else answer
            known.update({name: field and answer[field] for name, field in thing.gives.items()})
