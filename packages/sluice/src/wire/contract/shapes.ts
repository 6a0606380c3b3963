/* Made by scripts/generate-wire.mjs from contract/openapi.json; change it there. */

/** The bodies of Prefect's REST contract as types; the schemas that check them are in `schemas.json`. */

export interface APISettings {
  readonly auth_string?: string | null;
  readonly enable_http2?: boolean;
  readonly key?: string | null;
  readonly request_timeout?: number;
  readonly ssl_cert_file?: string | null;
  readonly tls_insecure_skip_verify?: boolean;
  readonly url?: string | null;
}

export interface Artifact {
  readonly created?: string | null;
  readonly data?: unknown;
  readonly description?: string | null;
  readonly flow_run_id?: string | null;
  readonly id?: string;
  readonly key?: string | null;
  readonly metadata_?: Readonly<Record<string, string>> | null;
  readonly task_run_id?: string | null;
  readonly type?: string | null;
  readonly updated?: string | null;
}

export interface ArtifactCollection {
  readonly created: string | null;
  readonly data?: unknown;
  readonly description?: string | null;
  readonly flow_run_id?: string | null;
  readonly id: string;
  readonly key: string;
  readonly latest_id: string;
  readonly metadata_?: Readonly<Record<string, string>> | null;
  readonly task_run_id?: string | null;
  readonly type?: string | null;
  readonly updated: string | null;
}

export interface ArtifactCollectionFilter {
  readonly flow_run_id?: ArtifactCollectionFilterFlowRunId | null;
  readonly key?: ArtifactCollectionFilterKey | null;
  readonly latest_id?: ArtifactCollectionFilterLatestId | null;
  readonly operator?: Operator;
  readonly task_run_id?: ArtifactCollectionFilterTaskRunId | null;
  readonly type?: ArtifactCollectionFilterType | null;
}

export interface ArtifactCollectionFilterFlowRunId {
  readonly any_?: readonly string[] | null;
}

export interface ArtifactCollectionFilterKey {
  readonly any_?: readonly string[] | null;
  readonly exists_?: boolean | null;
  readonly like_?: string | null;
}

export interface ArtifactCollectionFilterLatestId {
  readonly any_?: readonly string[] | null;
}

export interface ArtifactCollectionFilterTaskRunId {
  readonly any_?: readonly string[] | null;
}

export interface ArtifactCollectionFilterType {
  readonly any_?: readonly string[] | null;
  readonly not_any_?: readonly string[] | null;
}

export type ArtifactCollectionSort = "CREATED_DESC" | "UPDATED_DESC" | "ID_DESC" | "KEY_DESC" | "KEY_ASC";

export interface ArtifactCreate {
  readonly data?: unknown;
  readonly description?: string | null;
  readonly flow_run_id?: string | null;
  readonly key?: string | null;
  readonly metadata_?: Readonly<Record<string, string>> | null;
  readonly task_run_id?: string | null;
  readonly type?: string | null;
}

export interface ArtifactFilter {
  readonly flow_run_id?: ArtifactFilterFlowRunId | null;
  readonly id?: ArtifactFilterId | null;
  readonly key?: ArtifactFilterKey | null;
  readonly operator?: Operator;
  readonly task_run_id?: ArtifactFilterTaskRunId | null;
  readonly type?: ArtifactFilterType | null;
}

export interface ArtifactFilterFlowRunId {
  readonly any_?: readonly string[] | null;
}

export interface ArtifactFilterId {
  readonly any_?: readonly string[] | null;
}

export interface ArtifactFilterKey {
  readonly any_?: readonly string[] | null;
  readonly exists_?: boolean | null;
  readonly like_?: string | null;
}

export interface ArtifactFilterTaskRunId {
  readonly any_?: readonly string[] | null;
}

export interface ArtifactFilterType {
  readonly any_?: readonly string[] | null;
  readonly not_any_?: readonly string[] | null;
}

export type ArtifactSort = "CREATED_DESC" | "UPDATED_DESC" | "ID_DESC" | "KEY_DESC" | "KEY_ASC";

export interface ArtifactUpdate {
  readonly data?: unknown;
  readonly description?: string | null;
  readonly metadata_?: Readonly<Record<string, string>> | null;
}

export interface Automation {
  readonly actions: readonly (
    | DoNothing
    | RunDeploymentOutput
    | PauseDeployment
    | ResumeDeployment
    | CancelFlowRun
    | DeleteFlowRun
    | ChangeFlowRunState
    | PauseWorkQueue
    | ResumeWorkQueue
    | SendNotification
    | CallWebhook
    | PauseAutomation
    | ResumeAutomation
    | SuspendFlowRun
    | ResumeFlowRun
    | PauseWorkPool
    | ResumeWorkPool
  )[];
  readonly actions_on_resolve?: readonly (
    | DoNothing
    | RunDeploymentOutput
    | PauseDeployment
    | ResumeDeployment
    | CancelFlowRun
    | DeleteFlowRun
    | ChangeFlowRunState
    | PauseWorkQueue
    | ResumeWorkQueue
    | SendNotification
    | CallWebhook
    | PauseAutomation
    | ResumeAutomation
    | SuspendFlowRun
    | ResumeFlowRun
    | PauseWorkPool
    | ResumeWorkPool
  )[];
  readonly actions_on_trigger?: readonly (
    | DoNothing
    | RunDeploymentOutput
    | PauseDeployment
    | ResumeDeployment
    | CancelFlowRun
    | DeleteFlowRun
    | ChangeFlowRunState
    | PauseWorkQueue
    | ResumeWorkQueue
    | SendNotification
    | CallWebhook
    | PauseAutomation
    | ResumeAutomation
    | SuspendFlowRun
    | ResumeFlowRun
    | PauseWorkPool
    | ResumeWorkPool
  )[];
  readonly created: string | null;
  readonly description?: string;
  readonly enabled?: boolean;
  readonly id: string;
  readonly name: string;
  readonly tags?: readonly string[];
  readonly trigger: EventTriggerOutput | CompoundTriggerOutput | SequenceTriggerOutput;
  readonly updated: string | null;
}

export interface AutomationCreate {
  readonly actions: readonly (
    | DoNothing
    | RunDeploymentInput
    | PauseDeployment
    | ResumeDeployment
    | CancelFlowRun
    | DeleteFlowRun
    | ChangeFlowRunState
    | PauseWorkQueue
    | ResumeWorkQueue
    | SendNotification
    | CallWebhook
    | PauseAutomation
    | ResumeAutomation
    | SuspendFlowRun
    | ResumeFlowRun
    | PauseWorkPool
    | ResumeWorkPool
  )[];
  readonly actions_on_resolve?: readonly (
    | DoNothing
    | RunDeploymentInput
    | PauseDeployment
    | ResumeDeployment
    | CancelFlowRun
    | DeleteFlowRun
    | ChangeFlowRunState
    | PauseWorkQueue
    | ResumeWorkQueue
    | SendNotification
    | CallWebhook
    | PauseAutomation
    | ResumeAutomation
    | SuspendFlowRun
    | ResumeFlowRun
    | PauseWorkPool
    | ResumeWorkPool
  )[];
  readonly actions_on_trigger?: readonly (
    | DoNothing
    | RunDeploymentInput
    | PauseDeployment
    | ResumeDeployment
    | CancelFlowRun
    | DeleteFlowRun
    | ChangeFlowRunState
    | PauseWorkQueue
    | ResumeWorkQueue
    | SendNotification
    | CallWebhook
    | PauseAutomation
    | ResumeAutomation
    | SuspendFlowRun
    | ResumeFlowRun
    | PauseWorkPool
    | ResumeWorkPool
  )[];
  readonly description?: string;
  readonly enabled?: boolean;
  readonly name: string;
  readonly owner_resource?: string | null;
  readonly tags?: readonly string[];
  readonly trigger: EventTriggerInput | CompoundTriggerInput | SequenceTriggerInput;
}

export interface AutomationFilter {
  readonly created?: AutomationFilterCreated | null;
  readonly id?: AutomationFilterId | null;
  readonly name?: AutomationFilterName | null;
  readonly operator?: Operator;
  readonly tags?: AutomationFilterTags | null;
}

export interface AutomationFilterCreated {
  readonly before_?: string | null;
}

export interface AutomationFilterId {
  readonly any_?: readonly string[] | null;
}

export interface AutomationFilterName {
  readonly any_?: readonly string[] | null;
}

export interface AutomationFilterTags {
  readonly all_?: readonly string[] | null;
  readonly any_?: readonly string[] | null;
  readonly is_null_?: boolean | null;
  readonly operator?: Operator;
}

export interface AutomationPartialUpdate {
  readonly enabled?: boolean;
}

export type AutomationSort = "CREATED_DESC" | "UPDATED_DESC" | "NAME_ASC" | "NAME_DESC";

export interface AutomationUpdate {
  readonly actions: readonly (
    | DoNothing
    | RunDeploymentInput
    | PauseDeployment
    | ResumeDeployment
    | CancelFlowRun
    | DeleteFlowRun
    | ChangeFlowRunState
    | PauseWorkQueue
    | ResumeWorkQueue
    | SendNotification
    | CallWebhook
    | PauseAutomation
    | ResumeAutomation
    | SuspendFlowRun
    | ResumeFlowRun
    | PauseWorkPool
    | ResumeWorkPool
  )[];
  readonly actions_on_resolve?: readonly (
    | DoNothing
    | RunDeploymentInput
    | PauseDeployment
    | ResumeDeployment
    | CancelFlowRun
    | DeleteFlowRun
    | ChangeFlowRunState
    | PauseWorkQueue
    | ResumeWorkQueue
    | SendNotification
    | CallWebhook
    | PauseAutomation
    | ResumeAutomation
    | SuspendFlowRun
    | ResumeFlowRun
    | PauseWorkPool
    | ResumeWorkPool
  )[];
  readonly actions_on_trigger?: readonly (
    | DoNothing
    | RunDeploymentInput
    | PauseDeployment
    | ResumeDeployment
    | CancelFlowRun
    | DeleteFlowRun
    | ChangeFlowRunState
    | PauseWorkQueue
    | ResumeWorkQueue
    | SendNotification
    | CallWebhook
    | PauseAutomation
    | ResumeAutomation
    | SuspendFlowRun
    | ResumeFlowRun
    | PauseWorkPool
    | ResumeWorkPool
  )[];
  readonly description?: string;
  readonly enabled?: boolean;
  readonly name: string;
  readonly tags?: readonly string[];
  readonly trigger: EventTriggerInput | CompoundTriggerInput | SequenceTriggerInput;
}

export interface BlockDocument {
  readonly block_document_references?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly block_schema?: BlockSchema | null;
  readonly block_schema_id: string;
  readonly block_type?: BlockType | null;
  readonly block_type_id: string;
  readonly block_type_name?: string | null;
  readonly created: string | null;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly id: string;
  readonly is_anonymous?: boolean;
  readonly name?: string | null;
  readonly updated: string | null;
}

export interface BlockDocumentCreate {
  readonly block_schema_id: string;
  readonly block_type_id: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly is_anonymous?: boolean;
  readonly name?: string | null;
}

export interface BlockDocumentFilter {
  readonly block_type_id?: BlockDocumentFilterBlockTypeId | null;
  readonly id?: BlockDocumentFilterId | null;
  readonly is_anonymous?: BlockDocumentFilterIsAnonymous | null;
  readonly name?: BlockDocumentFilterName | null;
  readonly operator?: Operator;
}

export interface BlockDocumentFilterBlockTypeId {
  readonly any_?: readonly string[] | null;
}

export interface BlockDocumentFilterId {
  readonly any_?: readonly string[] | null;
}

export interface BlockDocumentFilterIsAnonymous {
  readonly eq_?: boolean | null;
}

export interface BlockDocumentFilterName {
  readonly any_?: readonly string[] | null;
  readonly like_?: string | null;
}

export type BlockDocumentSort = "NAME_DESC" | "NAME_ASC" | "BLOCK_TYPE_AND_NAME_ASC";

export interface BlockDocumentUpdate {
  readonly block_schema_id?: string | null;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly merge_existing_data?: boolean;
}

export interface BlockSchema {
  readonly block_type?: BlockType | null;
  readonly block_type_id: string | null;
  readonly capabilities?: readonly string[];
  readonly checksum: string;
  readonly created: string | null;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly id: string;
  readonly updated: string | null;
  readonly version?: string;
}

export interface BlockSchemaCreate {
  readonly block_type_id: string;
  readonly capabilities?: readonly string[];
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly version?: string;
}

export interface BlockSchemaFilter {
  readonly block_capabilities?: BlockSchemaFilterCapabilities | null;
  readonly block_type_id?: BlockSchemaFilterBlockTypeId | null;
  readonly id?: BlockSchemaFilterId | null;
  readonly operator?: Operator;
  readonly version?: BlockSchemaFilterVersion | null;
}

export interface BlockSchemaFilterBlockTypeId {
  readonly any_?: readonly string[] | null;
}

export interface BlockSchemaFilterCapabilities {
  readonly all_?: readonly string[] | null;
}

export interface BlockSchemaFilterId {
  readonly any_?: readonly string[] | null;
}

export interface BlockSchemaFilterVersion {
  readonly any_?: readonly string[] | null;
}

export interface BlockType {
  readonly code_example?: string | null;
  readonly created: string | null;
  readonly description?: string | null;
  readonly documentation_url?: string | null;
  readonly id: string;
  readonly is_protected?: boolean;
  readonly logo_url?: string | null;
  readonly name: string;
  readonly slug: string;
  readonly updated: string | null;
}

export interface BlockTypeCreate {
  readonly code_example?: string | null;
  readonly description?: string | null;
  readonly documentation_url?: string | null;
  readonly logo_url?: string | null;
  readonly name: string;
  readonly slug: string;
}

export interface BlockTypeFilter {
  readonly name?: BlockTypeFilterName | null;
  readonly slug?: BlockTypeFilterSlug | null;
}

export interface BlockTypeFilterName {
  readonly like_?: string | null;
}

export interface BlockTypeFilterSlug {
  readonly any_?: readonly string[] | null;
}

export interface BlockTypeUpdate {
  readonly code_example?: string | null;
  readonly description?: string | null;
  readonly documentation_url?: string | null;
  readonly logo_url?: string | null;
}

export interface AverageFlowRunLatenessBody {
  readonly deployments?: DeploymentFilter | null;
  readonly flow_runs?: FlowRunFilter | null;
  readonly flows?: FlowFilter | null;
  readonly task_runs?: TaskRunFilter | null;
  readonly work_pool_queues?: WorkQueueFilter | null;
  readonly work_pools?: WorkPoolFilter | null;
}

export interface BulkDecrementActiveSlotsBody {
  readonly create_if_missing?: boolean;
  readonly names: readonly string[];
  readonly occupancy_seconds?: number | null;
  readonly slots: number;
}

export interface BulkDecrementActiveSlotsWithLeaseBody {
  readonly lease_id: string;
}

export interface BulkDeleteDeploymentsBody {
  readonly deployments?: DeploymentFilter | null;
  readonly limit?: number;
}

export interface BulkDeleteFlowRunsBody {
  readonly flow_runs?: FlowRunFilter | null;
  readonly limit?: number;
}

export interface BulkDeleteFlowsBody {
  readonly flows?: FlowFilter | null;
  readonly limit?: number;
}

export interface BulkIncrementActiveSlotsBody {
  readonly create_if_missing?: boolean | null;
  readonly mode?: "concurrency" | "rate_limit";
  readonly names: readonly string[];
  readonly slots: number;
}

export interface BulkIncrementActiveSlotsWithLeaseBody {
  readonly holder?: ConcurrencyLeaseHolder | null;
  readonly lease_duration?: number;
  readonly mode?: "concurrency" | "rate_limit";
  readonly names: readonly string[];
  readonly slots: number;
}

export interface BulkSetFlowRunStateBody {
  readonly flow_runs?: FlowRunFilter | null;
  readonly force?: boolean;
  readonly limit?: number;
  readonly state: StateCreate;
}

export interface CountAccountEventsBody {
  readonly filter: EventFilter;
  readonly time_interval?: number;
  readonly time_unit?: TimeUnit;
}

export interface CountArtifactsBody {
  readonly artifacts?: ArtifactFilter;
  readonly deployments?: DeploymentFilter;
  readonly flow_runs?: FlowRunFilter;
  readonly flows?: FlowFilter;
  readonly task_runs?: TaskRunFilter;
}

export interface CountAutomationsBody {
  readonly automations?: AutomationFilter | null;
}

export interface CountBlockDocumentsBody {
  readonly block_documents?: BlockDocumentFilter | null;
  readonly block_schemas?: BlockSchemaFilter | null;
  readonly block_types?: BlockTypeFilter | null;
}

export interface CountDeploymentsByFlowBody {
  readonly flow_ids: readonly string[];
}

export interface CountDeploymentsBody {
  readonly deployments?: DeploymentFilter | null;
  readonly flow_runs?: FlowRunFilter | null;
  readonly flows?: FlowFilter | null;
  readonly task_runs?: TaskRunFilter | null;
  readonly work_pool_queues?: WorkQueueFilter | null;
  readonly work_pools?: WorkPoolFilter | null;
}

export interface CountFlowRunsBody {
  readonly deployments?: DeploymentFilter | null;
  readonly flow_runs?: FlowRunFilter | null;
  readonly flows?: FlowFilter | null;
  readonly task_runs?: TaskRunFilter | null;
  readonly work_pool_queues?: WorkQueueFilter | null;
  readonly work_pools?: WorkPoolFilter | null;
}

export interface CountFlowsBody {
  readonly deployments?: DeploymentFilter;
  readonly flow_runs?: FlowRunFilter;
  readonly flows?: FlowFilter;
  readonly task_runs?: TaskRunFilter;
  readonly work_pools?: WorkPoolFilter;
}

export interface CountLatestArtifactsBody {
  readonly artifacts?: ArtifactCollectionFilter;
  readonly deployments?: DeploymentFilter;
  readonly flow_runs?: FlowRunFilter;
  readonly flows?: FlowFilter;
  readonly task_runs?: TaskRunFilter;
}

export interface CountTaskRunsByFlowRunBody {
  readonly flow_run_ids: readonly string[];
}

export interface CountTaskRunsBody {
  readonly deployments?: DeploymentFilter;
  readonly flow_runs?: FlowRunFilter;
  readonly flows?: FlowFilter;
  readonly task_runs?: TaskRunFilter;
}

export interface CountVariablesBody {
  readonly variables?: VariableFilter | null;
}

export interface CountWorkPoolsBody {
  readonly work_pools?: WorkPoolFilter | null;
}

export interface CreateFlowRunInputBody {
  readonly key: string;
  readonly sender?: string | null;
  readonly value: string;
}

export interface DecrementConcurrencyLimitsV1Body {
  readonly names: readonly string[];
  readonly task_run_id: string;
}

export interface FilterFlowRunInputBody {
  readonly exclude_keys?: readonly string[];
  readonly limit?: number;
  readonly prefix: string;
}

export interface FlowRunHistoryBody {
  readonly deployments?: DeploymentFilter | null;
  readonly flow_runs?: FlowRunFilter | null;
  readonly flows?: FlowFilter | null;
  readonly history_end: string;
  readonly history_interval_seconds: number;
  readonly history_start: string;
  readonly task_runs?: TaskRunFilter | null;
  readonly work_pools?: WorkPoolFilter | null;
  readonly work_queues?: WorkQueueFilter | null;
}

export interface GetScheduledFlowRunsForDeploymentsBody {
  readonly deployment_ids: readonly string[];
  readonly limit?: number;
  readonly scheduled_before?: string;
}

export interface GetScheduledFlowRunsBody {
  readonly limit?: number;
  readonly scheduled_after?: string;
  readonly scheduled_before?: string;
  readonly work_queue_names?: readonly string[];
}

export interface IncrementConcurrencyLimitsV1Body {
  readonly names: readonly string[];
  readonly task_run_id: string;
}

export interface NextRunsByFlowBody {
  readonly flow_ids: readonly string[];
}

export interface PaginateDeploymentsBody {
  readonly deployments?: DeploymentFilter | null;
  readonly flow_runs?: FlowRunFilter | null;
  readonly flows?: FlowFilter | null;
  readonly limit?: number;
  readonly page?: number;
  readonly sort?: DeploymentSort;
  readonly task_runs?: TaskRunFilter | null;
  readonly work_pool_queues?: WorkQueueFilter | null;
  readonly work_pools?: WorkPoolFilter | null;
}

export interface PaginateFlowRunsBody {
  readonly deployments?: DeploymentFilter | null;
  readonly flow_runs?: FlowRunFilter | null;
  readonly flows?: FlowFilter | null;
  readonly limit?: number;
  readonly page?: number;
  readonly sort?: FlowRunSort;
  readonly task_runs?: TaskRunFilter | null;
  readonly work_pool_queues?: WorkQueueFilter | null;
  readonly work_pools?: WorkPoolFilter | null;
}

export interface PaginateFlowsBody {
  readonly deployments?: DeploymentFilter | null;
  readonly flow_runs?: FlowRunFilter | null;
  readonly flows?: FlowFilter | null;
  readonly limit?: number;
  readonly page?: number;
  readonly sort?: FlowSort;
  readonly task_runs?: TaskRunFilter | null;
  readonly work_pools?: WorkPoolFilter | null;
}

export interface PaginateTaskRunsBody {
  readonly deployments?: DeploymentFilter | null;
  readonly flow_runs?: FlowRunFilter | null;
  readonly flows?: FlowFilter | null;
  readonly limit?: number;
  readonly page?: number;
  readonly sort?: TaskRunSort;
  readonly task_runs?: TaskRunFilter | null;
}

export interface ReadAllConcurrencyLimitsV2Body {
  readonly limit?: number;
  readonly offset?: number;
}

export interface ReadArtifactsBody {
  readonly artifacts?: ArtifactFilter;
  readonly deployments?: DeploymentFilter;
  readonly flow_runs?: FlowRunFilter;
  readonly flows?: FlowFilter;
  readonly limit?: number;
  readonly offset?: number;
  readonly sort?: ArtifactSort;
  readonly task_runs?: TaskRunFilter;
}

export interface ReadAutomationsBody {
  readonly automations?: AutomationFilter | null;
  readonly limit?: number;
  readonly offset?: number;
  readonly sort?: AutomationSort;
}

export interface ReadBlockDocumentsBody {
  readonly block_documents?: BlockDocumentFilter | null;
  readonly block_schemas?: BlockSchemaFilter | null;
  readonly block_types?: BlockTypeFilter | null;
  readonly include_secrets?: boolean;
  readonly limit?: number;
  readonly offset?: number;
  readonly sort?: BlockDocumentSort | null;
}

export interface ReadBlockSchemasBody {
  readonly block_schemas?: BlockSchemaFilter | null;
  readonly limit?: number;
  readonly offset?: number;
}

export interface ReadBlockTypesBody {
  readonly block_schemas?: BlockSchemaFilter | null;
  readonly block_types?: BlockTypeFilter | null;
  readonly limit?: number;
  readonly offset?: number;
}

export interface ReadConcurrencyLimitsBody {
  readonly limit?: number;
  readonly offset?: number;
}

export interface ReadDashboardTaskRunCountsBody {
  readonly deployments?: DeploymentFilter | null;
  readonly flow_runs?: FlowRunFilter | null;
  readonly flows?: FlowFilter | null;
  readonly task_runs: TaskRunFilter;
  readonly work_pools?: WorkPoolFilter | null;
  readonly work_queues?: WorkQueueFilter | null;
}

export interface ReadDeploymentsBody {
  readonly deployments?: DeploymentFilter | null;
  readonly flow_runs?: FlowRunFilter | null;
  readonly flows?: FlowFilter | null;
  readonly limit?: number;
  readonly offset?: number;
  readonly sort?: DeploymentSort;
  readonly task_runs?: TaskRunFilter | null;
  readonly work_pool_queues?: WorkQueueFilter | null;
  readonly work_pools?: WorkPoolFilter | null;
}

export interface ReadEventsBody {
  readonly filter?: EventFilter | null;
  readonly limit?: number;
}

export interface ReadFlowRunHistoryBody {
  readonly deployments?: DeploymentFilter;
  readonly flow_runs?: FlowRunFilter;
  readonly flows?: FlowFilter;
  readonly limit?: number;
  readonly offset?: number;
  readonly sort?: FlowRunSort;
  readonly task_runs?: TaskRunFilter;
  readonly work_pools?: WorkPoolFilter;
}

export interface ReadFlowRunsBody {
  readonly deployments?: DeploymentFilter | null;
  readonly flow_runs?: FlowRunFilter | null;
  readonly flows?: FlowFilter | null;
  readonly limit?: number;
  readonly offset?: number;
  readonly sort?: FlowRunSort;
  readonly task_runs?: TaskRunFilter | null;
  readonly work_pool_queues?: WorkQueueFilter | null;
  readonly work_pools?: WorkPoolFilter | null;
}

export interface ReadFlowsBody {
  readonly deployments?: DeploymentFilter;
  readonly flow_runs?: FlowRunFilter;
  readonly flows?: FlowFilter;
  readonly limit?: number;
  readonly offset?: number;
  readonly sort?: FlowSort;
  readonly task_runs?: TaskRunFilter;
  readonly work_pools?: WorkPoolFilter;
}

export interface ReadLatestArtifactsBody {
  readonly artifacts?: ArtifactCollectionFilter;
  readonly deployments?: DeploymentFilter;
  readonly flow_runs?: FlowRunFilter;
  readonly flows?: FlowFilter;
  readonly limit?: number;
  readonly offset?: number;
  readonly sort?: ArtifactCollectionSort;
  readonly task_runs?: TaskRunFilter;
}

export interface ReadLogsBody {
  readonly limit?: number;
  readonly logs?: LogFilter | null;
  readonly offset?: number;
  readonly sort?: LogSort;
}

export interface ReadSavedSearchesBody {
  readonly limit?: number;
  readonly offset?: number;
}

export interface ReadTaskRunCountsByStateBody {
  readonly deployments?: DeploymentFilter | null;
  readonly flow_runs?: FlowRunFilter | null;
  readonly flows?: FlowFilter | null;
  readonly task_runs?: TaskRunFilter | null;
}

export interface ReadTaskRunsBody {
  readonly deployments?: DeploymentFilter | null;
  readonly flow_runs?: FlowRunFilter | null;
  readonly flows?: FlowFilter | null;
  readonly limit?: number;
  readonly offset?: number;
  readonly sort?: TaskRunSort;
  readonly task_runs?: TaskRunFilter | null;
}

export interface ReadTaskWorkersBody {
  readonly task_worker_filter?: TaskWorkerFilter | null;
}

export interface ReadVariablesBody {
  readonly limit?: number;
  readonly offset?: number;
  readonly sort?: VariableSort;
  readonly variables?: VariableFilter | null;
}

export interface ReadWorkPoolConcurrencyStatusBody {
  readonly flow_run_limit?: number;
  readonly limit?: number;
  readonly page?: number;
}

export interface ReadWorkPoolsBody {
  readonly limit?: number;
  readonly offset?: number;
  readonly work_pools?: WorkPoolFilter | null;
}

export interface ReadWorkQueueConcurrencyStatusBody {
  readonly limit?: number;
  readonly page?: number;
}

export interface ReadWorkQueueRunsBody {
  readonly limit?: number;
  readonly scheduled_before?: string;
}

export interface ReadWorkQueuesBody {
  readonly limit?: number;
  readonly offset?: number;
  readonly work_queues?: WorkQueueFilter;
}

export interface WorkQueuesReadWorkQueuesBody {
  readonly limit?: number;
  readonly offset?: number;
  readonly work_queues?: WorkQueueFilter | null;
}

export interface ReadWorkersBody {
  readonly limit?: number;
  readonly offset?: number;
  readonly workers?: WorkerFilter | null;
}

export interface RenewConcurrencyLeaseBody {
  readonly lease_duration?: number;
}

export interface ResetConcurrencyLimitByTagBody {
  readonly slot_override?: readonly string[] | null;
}

export interface ResumeFlowRunBody {
  readonly run_input?: Readonly<Record<string, unknown>> | null;
}

export interface ScheduleDeploymentBody {
  readonly end_time?: string;
  readonly max_runs?: number;
  readonly min_runs?: number;
  readonly min_time?: number;
  readonly start_time?: string;
}

export interface SetFlowRunStateBody {
  readonly force?: boolean;
  readonly state: StateCreate;
}

export interface SetTaskRunStateBody {
  readonly force?: boolean;
  readonly state: StateCreate;
}

export interface TaskRunHistoryBody {
  readonly deployments?: DeploymentFilter;
  readonly flow_runs?: FlowRunFilter;
  readonly flows?: FlowFilter;
  readonly history_end: string;
  readonly history_interval_seconds: number;
  readonly history_start: string;
  readonly task_runs?: TaskRunFilter;
}

export interface ValidateObjBody {
  readonly schema: Readonly<Record<string, unknown>>;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface WorkerHeartbeatBody {
  readonly heartbeat_interval_seconds?: number | null;
  readonly name: string;
}

export interface CLISettings {
  readonly colors?: boolean;
  readonly prompt?: boolean | null;
  readonly wrap_lines?: boolean;
}

export interface CallWebhook {
  readonly block_document_id: string;
  readonly payload?: string;
  readonly type?: "call-webhook";
}

export interface CancelFlowRun {
  readonly type?: "cancel-flow-run";
}

export interface ChangeFlowRunState {
  readonly force?: boolean;
  readonly message?: string | null;
  readonly name?: string | null;
  readonly state: StateType;
  readonly type?: "change-flow-run-state";
}

export interface ClientMetricsSettings {
  readonly enabled?: boolean;
  readonly port?: number;
}

export interface ClientSettings {
  readonly csrf_support_enabled?: boolean;
  readonly custom_headers?: Readonly<Record<string, string>>;
  readonly max_retries?: number;
  readonly metrics?: ClientMetricsSettings;
  readonly retry_extra_codes?: string | number | readonly number[] | null;
  readonly retry_jitter_factor?: number;
  readonly server_version_check_enabled?: boolean;
}

export interface CloudSettings {
  readonly api_url?: string;
  readonly enable_orchestration_telemetry?: boolean;
  readonly max_log_size?: number;
  readonly ui_url?: string | null;
}

export interface CompoundTriggerInput {
  readonly id?: string;
  readonly require: number | "any" | "all";
  readonly triggers: readonly (EventTriggerInput | CompoundTriggerInput | SequenceTriggerInput)[];
  readonly type?: "compound";
  readonly within: string | null;
}

export interface CompoundTriggerOutput {
  readonly id?: string;
  readonly require: number | "any" | "all";
  readonly triggers: readonly (EventTriggerOutput | CompoundTriggerOutput | SequenceTriggerOutput)[];
  readonly type?: "compound";
  readonly within: number | null;
}

export interface ConcurrencyLeaseHolder {
  readonly id: string;
  readonly type: "flow_run" | "task_run" | "deployment";
}

export interface ConcurrencyLimit {
  readonly active_slots?: readonly string[];
  readonly concurrency_limit: number;
  readonly created: string | null;
  readonly id: string;
  readonly tag: string;
  readonly updated: string | null;
}

export interface ConcurrencyLimitCreate {
  readonly concurrency_limit: number;
  readonly tag: string;
}

export type ConcurrencyLimitStrategy = "ENQUEUE" | "CANCEL_NEW";

export interface ConcurrencyLimitV2 {
  readonly active?: boolean;
  readonly active_slots?: number;
  readonly avg_slot_occupancy_seconds?: number;
  readonly created: string | null;
  readonly denied_slots?: number;
  readonly id: string;
  readonly limit: number;
  readonly name: string;
  readonly slot_decay_per_second?: number;
  readonly updated: string | null;
}

export interface ConcurrencyLimitV2Create {
  readonly active?: boolean;
  readonly active_slots?: number;
  readonly denied_slots?: number;
  readonly limit: number;
  readonly name: string;
  readonly slot_decay_per_second?: number;
}

export interface ConcurrencyLimitV2Update {
  readonly active?: boolean | null;
  readonly active_slots?: number | null;
  readonly denied_slots?: number | null;
  readonly limit?: number | null;
  readonly name?: string | null;
  readonly slot_decay_per_second?: number | null;
}

export interface ConcurrencyLimitWithLeaseResponse {
  readonly lease_id: string;
  readonly limits: readonly MinimalConcurrencyLimitResponse[];
}

export interface ConcurrencyOptions {
  readonly collision_strategy: ConcurrencyLimitStrategy;
  readonly grace_period_seconds?: number | null;
}

export interface Constant {
  readonly input_type?: "constant";
  readonly type: string;
}

export interface CountByState {
  readonly CANCELLED?: number;
  readonly CANCELLING?: number;
  readonly COMPLETED?: number;
  readonly CRASHED?: number;
  readonly FAILED?: number;
  readonly PAUSED?: number;
  readonly PENDING?: number;
  readonly RUNNING?: number;
  readonly SCHEDULED?: number;
}

export type Countable = "day" | "time" | "event" | "resource";

export interface CreatedBy {
  readonly display_value?: string | null;
  readonly id?: string | null;
  readonly type?: string | null;
}

export interface CronSchedule {
  readonly cron: string;
  readonly day_or?: boolean;
  readonly timezone?: string | null;
}

export interface CsrfToken {
  readonly client: string;
  readonly created: string | null;
  readonly expiration: string;
  readonly id: string;
  readonly token: string;
  readonly updated: string | null;
}

export interface DeleteFlowRun {
  readonly type?: "delete-flow-run";
}

export interface DependencyResult {
  readonly end_time: string | null;
  readonly estimated_run_time: number | null;
  readonly expected_start_time: string | null;
  readonly id: string;
  readonly name: string;
  readonly start_time: string | null;
  readonly state: State | null;
  readonly total_run_time: number | null;
  readonly untrackable_result: boolean;
  readonly upstream_dependencies: readonly TaskRunResult[];
}

export interface DeploymentBulkDeleteResponse {
  readonly deleted?: readonly string[];
}

export interface DeploymentCreate {
  readonly concurrency_limit?: number | null;
  readonly concurrency_options?: ConcurrencyOptions | null;
  readonly description?: string | null;
  readonly enforce_parameter_schema?: boolean;
  readonly entrypoint?: string | null;
  readonly flow_id: string;
  readonly global_concurrency_limit_id?: string | null;
  readonly infrastructure_document_id?: string | null;
  readonly job_variables?: Readonly<Record<string, unknown>>;
  readonly labels?: Readonly<Record<string, boolean | number | string>> | null;
  readonly name: string;
  readonly parameter_openapi_schema?: Readonly<Record<string, unknown>> | null;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly path?: string | null;
  readonly paused?: boolean;
  readonly pull_steps?: readonly Readonly<Record<string, unknown>>[] | null;
  readonly schedules?: readonly DeploymentScheduleCreate[];
  readonly storage_document_id?: string | null;
  readonly tags?: readonly string[];
  readonly version?: string | null;
  readonly version_info?: VersionInfo | null;
  readonly work_pool_name?: string | null;
  readonly work_queue_name?: string | null;
}

export interface DeploymentFilter {
  readonly concurrency_limit?: DeploymentFilterConcurrencyLimit | null;
  readonly flow_or_deployment_name?: DeploymentOrFlowNameFilter | null;
  readonly id?: DeploymentFilterId | null;
  readonly name?: DeploymentFilterName | null;
  readonly operator?: Operator;
  readonly paused?: DeploymentFilterPaused | null;
  readonly tags?: DeploymentFilterTags | null;
  readonly work_queue_name?: DeploymentFilterWorkQueueName | null;
}

export interface DeploymentFilterConcurrencyLimit {
  readonly ge_?: number | null;
  readonly is_null_?: boolean | null;
  readonly le_?: number | null;
}

export interface DeploymentFilterId {
  readonly any_?: readonly string[] | null;
  readonly not_any_?: readonly string[] | null;
}

export interface DeploymentFilterName {
  readonly any_?: readonly string[] | null;
  readonly like_?: string | null;
}

export interface DeploymentFilterPaused {
  readonly eq_?: boolean | null;
}

export interface DeploymentFilterTags {
  readonly all_?: readonly string[] | null;
  readonly any_?: readonly string[] | null;
  readonly is_null_?: boolean | null;
  readonly operator?: Operator;
}

export interface DeploymentFilterWorkQueueName {
  readonly any_?: readonly string[] | null;
}

export interface DeploymentFlowRunCreate {
  readonly context?: Readonly<Record<string, unknown>>;
  readonly empirical_policy?: FlowRunPolicy;
  readonly enforce_parameter_schema?: boolean | null;
  readonly idempotency_key?: string | null;
  readonly infrastructure_document_id?: string | null;
  readonly job_variables?: Readonly<Record<string, unknown>> | null;
  readonly labels?: Readonly<Record<string, boolean | number | string>> | null;
  readonly name?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly parent_task_run_id?: string | null;
  readonly state?: StateCreate | null;
  readonly tags?: readonly string[];
  readonly work_queue_name?: string | null;
}

export interface DeploymentOrFlowNameFilter {
  readonly like_?: string | null;
}

export interface DeploymentPaginationResponse {
  readonly count: number;
  readonly limit: number;
  readonly page: number;
  readonly pages: number;
  readonly results: readonly DeploymentResponse[];
}

export interface DeploymentResponse {
  readonly concurrency_limit?: number | null;
  readonly concurrency_options?: ConcurrencyOptions | null;
  readonly created: string | null;
  readonly created_by?: CreatedBy | null;
  readonly description?: string | null;
  readonly enforce_parameter_schema?: boolean;
  readonly entrypoint?: string | null;
  readonly flow_id: string;
  readonly global_concurrency_limit?: GlobalConcurrencyLimitResponse | null;
  readonly id: string;
  readonly infrastructure_document_id?: string | null;
  readonly job_variables?: Readonly<Record<string, unknown>>;
  readonly labels?: Readonly<Record<string, boolean | number | string>>;
  readonly last_polled?: string | null;
  readonly name: string;
  readonly parameter_openapi_schema?: Readonly<Record<string, unknown>> | null;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly path?: string | null;
  readonly paused?: boolean;
  readonly pull_steps?: readonly Readonly<Record<string, unknown>>[] | null;
  readonly schedules?: readonly DeploymentSchedule[];
  readonly status?: DeploymentStatus | null;
  readonly storage_document_id?: string | null;
  readonly tags?: readonly string[];
  readonly updated: string | null;
  readonly updated_by?: UpdatedBy | null;
  readonly version?: string | null;
  readonly work_pool_name?: string | null;
  readonly work_queue_id?: string | null;
  readonly work_queue_name?: string | null;
}

export interface DeploymentSchedule {
  readonly active?: boolean;
  readonly created: string | null;
  readonly deployment_id?: string | null;
  readonly id: string;
  readonly max_scheduled_runs?: number | null;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly schedule: IntervalScheduleOutput | CronSchedule | RRuleSchedule;
  readonly slug?: string | null;
  readonly updated: string | null;
}

export interface DeploymentScheduleCreate {
  readonly active?: boolean;
  readonly max_scheduled_runs?: number | null;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly replaces?: string | null;
  readonly schedule: IntervalScheduleInput | CronSchedule | RRuleSchedule;
  readonly slug?: string | null;
}

export interface DeploymentScheduleUpdate {
  readonly active?: boolean | null;
  readonly max_scheduled_runs?: number | null;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly replaces?: string | null;
  readonly schedule?: IntervalScheduleInput | CronSchedule | RRuleSchedule | null;
  readonly slug?: string | null;
}

export type DeploymentSort = "CREATED_DESC" | "UPDATED_DESC" | "NAME_ASC" | "NAME_DESC";

export type DeploymentStatus = "READY" | "NOT_READY";

export interface DeploymentUpdate {
  readonly concurrency_limit?: number | null;
  readonly concurrency_options?: ConcurrencyOptions | null;
  readonly description?: string | null;
  readonly enforce_parameter_schema?: boolean | null;
  readonly entrypoint?: string | null;
  readonly global_concurrency_limit_id?: string | null;
  readonly infrastructure_document_id?: string | null;
  readonly job_variables?: Readonly<Record<string, unknown>> | null;
  readonly parameter_openapi_schema?: Readonly<Record<string, unknown>> | null;
  readonly parameters?: Readonly<Record<string, unknown>> | null;
  readonly path?: string | null;
  readonly paused?: boolean;
  readonly pull_steps?: readonly Readonly<Record<string, unknown>>[] | null;
  readonly schedules?: readonly DeploymentScheduleUpdate[];
  readonly storage_document_id?: string | null;
  readonly tags?: readonly string[];
  readonly version?: string | null;
  readonly version_info?: VersionInfo | null;
  readonly work_pool_name?: string | null;
  readonly work_queue_name?: string | null;
}

export interface DeploymentsSettings {
  readonly default_docker_build_namespace?: string | null;
  readonly default_work_pool_name?: string | null;
}

export interface DoNothing {
  readonly type?: "do-nothing";
}

export interface Edge {
  readonly id: string;
}

export interface Event {
  readonly event: string;
  readonly follows?: string | null;
  readonly id: string;
  readonly occurred: string;
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly related?: readonly RelatedResource[];
  readonly resource: Resource;
}

export interface EventAnyResourceFilter {
  readonly id?: readonly string[] | null;
  readonly id_prefix?: readonly string[] | null;
  readonly labels?: ResourceSpecification | null;
}

export interface EventCount {
  readonly count: number;
  readonly end_time: string;
  readonly label: string;
  readonly start_time: string;
  readonly value: string;
}

export interface EventFilter {
  readonly any_resource?: EventAnyResourceFilter | readonly EventAnyResourceFilter[] | null;
  readonly event?: EventNameFilter | null;
  readonly id?: EventIDFilter;
  readonly occurred?: EventOccurredFilter;
  readonly order?: EventOrder;
  readonly related?: EventRelatedFilter | readonly EventRelatedFilter[] | null;
  readonly resource?: EventResourceFilter | null;
  readonly text?: EventTextFilter | null;
}

export interface EventIDFilter {
  readonly id?: readonly string[] | null;
}

export interface EventNameFilter {
  readonly exclude_name?: readonly string[] | null;
  readonly exclude_prefix?: readonly string[] | null;
  readonly name?: readonly string[] | null;
  readonly prefix?: readonly string[] | null;
}

export interface EventOccurredFilter {
  readonly since?: string;
  readonly until?: string;
}

export type EventOrder = "ASC" | "DESC";

export interface EventPage {
  readonly events: readonly ReceivedEvent[];
  readonly next_page: string | null;
  readonly total: number;
}

export interface EventRelatedFilter {
  readonly id?: readonly string[] | null;
  readonly labels?: ResourceSpecification | null;
  readonly resources_in_roles?: readonly (readonly [string, string])[] | null;
  readonly role?: readonly string[] | null;
}

export interface EventResourceFilter {
  readonly distinct?: boolean;
  readonly id?: readonly string[] | null;
  readonly id_prefix?: readonly string[] | null;
  readonly labels?: ResourceSpecification | null;
}

export interface EventTextFilter {
  readonly query: string;
}

export interface EventTriggerInput {
  readonly after?: readonly string[];
  readonly expect?: readonly string[];
  readonly for_each?: readonly string[];
  readonly id?: string;
  readonly match?: ResourceSpecification | Readonly<Record<string, string | readonly string[]>>;
  readonly match_related?:
    | ResourceSpecification
    | Readonly<Record<string, string | readonly string[]>>
    | readonly (ResourceSpecification | Readonly<Record<string, string | readonly string[]>>)[];
  readonly posture: "Reactive" | "Proactive";
  readonly threshold?: number;
  readonly type?: "event";
  readonly within?: string;
}

export interface EventTriggerOutput {
  readonly after?: readonly string[];
  readonly expect?: readonly string[];
  readonly for_each?: readonly string[];
  readonly id?: string;
  readonly match?: ResourceSpecification | Readonly<Record<string, string | readonly string[]>>;
  readonly match_related?:
    | ResourceSpecification
    | Readonly<Record<string, string | readonly string[]>>
    | readonly (ResourceSpecification | Readonly<Record<string, string | readonly string[]>>)[];
  readonly posture: "Reactive" | "Proactive";
  readonly threshold?: number;
  readonly type?: "event";
  readonly within?: number;
}

export interface EventsSettings {
  readonly worker_max_queue_size?: number;
}

export interface ExperimentsSettings {
  readonly warn?: boolean;
}

export interface Flow {
  readonly created: string | null;
  readonly id: string;
  readonly labels?: Readonly<Record<string, boolean | number | string>> | null;
  readonly name: string;
  readonly tags?: readonly string[];
  readonly updated: string | null;
}

export interface FlowBulkDeleteResponse {
  readonly deleted?: readonly string[];
}

export interface FlowCreate {
  readonly labels?: Readonly<Record<string, boolean | number | string>> | null;
  readonly name: string;
  readonly tags?: readonly string[];
}

export interface FlowFilter {
  readonly deployment?: FlowFilterDeployment | null;
  readonly id?: FlowFilterId | null;
  readonly name?: FlowFilterName | null;
  readonly operator?: Operator;
  readonly tags?: FlowFilterTags | null;
}

export interface FlowFilterDeployment {
  readonly is_null_?: boolean | null;
  readonly operator?: Operator;
}

export interface FlowFilterId {
  readonly any_?: readonly string[] | null;
  readonly not_any_?: readonly string[] | null;
}

export interface FlowFilterName {
  readonly any_?: readonly string[] | null;
  readonly like_?: string | null;
}

export interface FlowFilterTags {
  readonly all_?: readonly string[] | null;
  readonly is_null_?: boolean | null;
  readonly operator?: Operator;
}

export interface FlowPaginationResponse {
  readonly count: number;
  readonly limit: number;
  readonly page: number;
  readonly pages: number;
  readonly results: readonly Flow[];
}

export interface FlowRun {
  readonly auto_scheduled?: boolean;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly created: string | null;
  readonly created_by?: CreatedBy | null;
  readonly deployment_id?: string | null;
  readonly deployment_version?: string | null;
  readonly empirical_policy?: FlowRunPolicy;
  readonly end_time?: string | null;
  readonly estimated_run_time?: number;
  readonly estimated_start_time_delta?: number;
  readonly expected_start_time?: string | null;
  readonly flow_id: string;
  readonly flow_version?: string | null;
  readonly id: string;
  readonly idempotency_key?: string | null;
  readonly infrastructure_document_id?: string | null;
  readonly infrastructure_pid?: string | null;
  readonly job_variables?: Readonly<Record<string, unknown>> | null;
  readonly labels?: Readonly<Record<string, boolean | number | string>> | null;
  readonly name?: string;
  readonly next_scheduled_start_time?: string | null;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly parent_task_run_id?: string | null;
  readonly run_count?: number;
  readonly start_time?: string | null;
  readonly state?: State | null;
  readonly state_id?: string | null;
  readonly state_name?: string | null;
  readonly state_type?: StateType | null;
  readonly tags?: readonly string[];
  readonly total_run_time?: number;
  readonly updated: string | null;
  readonly work_queue_id?: string | null;
  readonly work_queue_name?: string | null;
}

export interface FlowRunBulkCreateResponse {
  readonly results?: readonly FlowRunCreateResult[];
}

export interface FlowRunBulkDeleteResponse {
  readonly deleted?: readonly string[];
}

export interface FlowRunBulkSetStateResponse {
  readonly results?: readonly FlowRunOrchestrationResult[];
}

export interface FlowRunCreate {
  readonly context?: Readonly<Record<string, unknown>>;
  readonly deployment_id?: string | null;
  readonly empirical_policy?: FlowRunPolicy;
  readonly flow_id: string;
  readonly flow_version?: string | null;
  readonly idempotency_key?: string | null;
  readonly infrastructure_document_id?: string | null;
  readonly job_variables?: Readonly<Record<string, unknown>> | null;
  readonly labels?: Readonly<Record<string, boolean | number | string>> | null;
  readonly name?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly parent_task_run_id?: string | null;
  readonly state?: StateCreate | null;
  readonly tags?: readonly string[];
  readonly work_pool_name?: string | null;
  readonly work_queue_name?: string | null;
}

export interface FlowRunCreateResult {
  readonly error?: string | null;
  readonly flow_run_id?: string | null;
  readonly status: "CREATED" | "FAILED";
}

export interface FlowRunFilter {
  readonly created_by?: FlowRunFilterCreatedBy | null;
  readonly deployment_id?: FlowRunFilterDeploymentId | null;
  readonly end_time?: FlowRunFilterEndTime | null;
  readonly expected_start_time?: FlowRunFilterExpectedStartTime | null;
  readonly flow_version?: FlowRunFilterFlowVersion | null;
  readonly id?: FlowRunFilterId | null;
  readonly idempotency_key?: FlowRunFilterIdempotencyKey | null;
  readonly name?: FlowRunFilterName | null;
  readonly next_scheduled_start_time?: FlowRunFilterNextScheduledStartTime | null;
  readonly operator?: Operator;
  readonly parent_flow_run_id?: FlowRunFilterParentFlowRunId | null;
  readonly parent_task_run_id?: FlowRunFilterParentTaskRunId | null;
  readonly start_time?: FlowRunFilterStartTime | null;
  readonly state?: FlowRunFilterState | null;
  readonly tags?: FlowRunFilterTags | null;
  readonly work_queue_name?: FlowRunFilterWorkQueueName | null;
}

export interface FlowRunFilterCreatedBy {
  readonly id_?: readonly string[] | null;
  readonly is_null_?: boolean | null;
  readonly operator?: Operator;
  readonly type_?: readonly string[] | null;
}

export interface FlowRunFilterDeploymentId {
  readonly any_?: readonly string[] | null;
  readonly is_null_?: boolean | null;
  readonly operator?: Operator;
}

export interface FlowRunFilterEndTime {
  readonly after_?: string | null;
  readonly before_?: string | null;
  readonly is_null_?: boolean | null;
}

export interface FlowRunFilterExpectedStartTime {
  readonly after_?: string | null;
  readonly before_?: string | null;
}

export interface FlowRunFilterFlowVersion {
  readonly any_?: readonly string[] | null;
}

export interface FlowRunFilterId {
  readonly any_?: readonly string[] | null;
  readonly not_any_?: readonly string[] | null;
}

export interface FlowRunFilterIdempotencyKey {
  readonly any_?: readonly string[] | null;
  readonly not_any_?: readonly string[] | null;
}

export interface FlowRunFilterName {
  readonly any_?: readonly string[] | null;
  readonly like_?: string | null;
}

export interface FlowRunFilterNextScheduledStartTime {
  readonly after_?: string | null;
  readonly before_?: string | null;
}

export interface FlowRunFilterParentFlowRunId {
  readonly any_?: readonly string[] | null;
  readonly operator?: Operator;
}

export interface FlowRunFilterParentTaskRunId {
  readonly any_?: readonly string[] | null;
  readonly is_null_?: boolean | null;
  readonly operator?: Operator;
}

export interface FlowRunFilterStartTime {
  readonly after_?: string | null;
  readonly before_?: string | null;
  readonly is_null_?: boolean | null;
}

export interface FlowRunFilterState {
  readonly name?: FlowRunFilterStateName | null;
  readonly operator?: Operator;
  readonly type?: FlowRunFilterStateType | null;
}

export interface FlowRunFilterStateName {
  readonly any_?: readonly string[] | null;
  readonly not_any_?: readonly string[] | null;
}

export interface FlowRunFilterStateType {
  readonly any_?: readonly StateType[] | null;
  readonly not_any_?: readonly StateType[] | null;
}

export interface FlowRunFilterTags {
  readonly all_?: readonly string[] | null;
  readonly any_?: readonly string[] | null;
  readonly is_null_?: boolean | null;
  readonly operator?: Operator;
}

export interface FlowRunFilterWorkQueueName {
  readonly any_?: readonly string[] | null;
  readonly is_null_?: boolean | null;
  readonly operator?: Operator;
}

export interface FlowRunInput {
  readonly created: string | null;
  readonly flow_run_id: string;
  readonly id: string;
  readonly key: string;
  readonly sender?: string | null;
  readonly updated: string | null;
  readonly value: string;
}

export interface FlowRunOrchestrationResult {
  readonly details: StateAcceptDetails | StateWaitDetails | StateRejectDetails | StateAbortDetails;
  readonly flow_run_id: string;
  readonly state?: State | null;
  readonly status: SetStateStatus;
}

export interface FlowRunPaginationResponse {
  readonly count: number;
  readonly limit: number;
  readonly page: number;
  readonly pages: number;
  readonly results: readonly FlowRunResponse[];
}

export interface FlowRunPolicy {
  readonly max_retries?: number;
  readonly pause_keys?: readonly string[] | null;
  readonly resuming?: boolean | null;
  readonly retries?: number | null;
  readonly retry_delay?: number | null;
  readonly retry_delay_seconds?: number;
  readonly retry_type?: "in_process" | "reschedule" | null;
}

export interface FlowRunResponse {
  readonly auto_scheduled?: boolean;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly created: string | null;
  readonly created_by?: CreatedBy | null;
  readonly deployment_id?: string | null;
  readonly deployment_version?: string | null;
  readonly empirical_policy?: FlowRunPolicy;
  readonly end_time?: string | null;
  readonly estimated_run_time?: number;
  readonly estimated_start_time_delta?: number;
  readonly expected_start_time?: string | null;
  readonly flow_id: string;
  readonly flow_version?: string | null;
  readonly id: string;
  readonly idempotency_key?: string | null;
  readonly infrastructure_document_id?: string | null;
  readonly infrastructure_pid?: string | null;
  readonly job_variables?: Readonly<Record<string, unknown>> | null;
  readonly labels?: Readonly<Record<string, boolean | number | string>>;
  readonly name?: string;
  readonly next_scheduled_start_time?: string | null;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly parent_task_run_id?: string | null;
  readonly run_count?: number;
  readonly start_time?: string | null;
  readonly state?: State | null;
  readonly state_id?: string | null;
  readonly state_name?: string | null;
  readonly state_type?: StateType | null;
  readonly tags?: readonly string[];
  readonly total_run_time?: number;
  readonly updated: string | null;
  readonly work_pool_id?: string | null;
  readonly work_pool_name?: string | null;
  readonly work_queue_id?: string | null;
  readonly work_queue_name?: string | null;
}

export interface FlowRunResult {
  readonly id: string;
  readonly input_type?: "flow_run";
}

export interface FlowRunSlotSummary {
  readonly id: string;
  readonly name: string;
  readonly start_time?: string | null;
  readonly state_name?: string | null;
  readonly state_timestamp?: string | null;
  readonly state_type?: StateType | null;
  readonly time_in_current_state?: number | null;
}

export type FlowRunSort =
  | "ID_DESC"
  | "START_TIME_ASC"
  | "START_TIME_DESC"
  | "EXPECTED_START_TIME_ASC"
  | "EXPECTED_START_TIME_DESC"
  | "NAME_ASC"
  | "NAME_DESC"
  | "NEXT_SCHEDULED_START_TIME_ASC"
  | "END_TIME_DESC";

export interface FlowRunUpdate {
  readonly empirical_policy?: FlowRunPolicy;
  readonly flow_version?: string | null;
  readonly infrastructure_pid?: string | null;
  readonly job_variables?: Readonly<Record<string, unknown>> | null;
  readonly name?: string | null;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly tags?: readonly string[];
}

export type FlowSort = "CREATED_DESC" | "UPDATED_DESC" | "NAME_ASC" | "NAME_DESC";

export interface FlowUpdate {
  readonly tags?: readonly string[];
}

export interface FlowsSettings {
  readonly default_retries?: number;
  readonly default_retry_delay_seconds?: number | readonly number[];
  readonly heartbeat_frequency?: number | null;
}

export interface GlobalConcurrencyLimitResponse {
  readonly active?: boolean;
  readonly active_slots: number;
  readonly created: string | null;
  readonly id: string;
  readonly limit: number;
  readonly name: string;
  readonly slot_decay_per_second?: number;
  readonly updated: string | null;
}

export interface Graph {
  readonly artifacts: readonly GraphArtifact[];
  readonly end_time: string | null;
  readonly nodes: readonly (readonly [string, Node])[];
  readonly root_node_ids: readonly string[];
  readonly start_time: string | null;
  readonly states: readonly GraphState[];
}

export interface GraphArtifact {
  readonly created: string;
  readonly data: unknown;
  readonly id: string;
  readonly is_latest: boolean;
  readonly key: string | null;
  readonly type: string | null;
}

export interface GraphState {
  readonly id: string;
  readonly name: string;
  readonly timestamp: string;
  readonly type: StateType;
}

export interface HTTPValidationError {
  readonly detail?: readonly ValidationError[];
}

export interface HistoryResponse {
  readonly interval_end: string;
  readonly interval_start: string;
  readonly states: readonly HistoryResponseState[];
}

export interface HistoryResponseState {
  readonly count_runs: number;
  readonly state_name: string;
  readonly state_type: StateType;
  readonly sum_estimated_lateness: number;
  readonly sum_estimated_run_time: number;
}

export interface InternalSettings {
  readonly logging_level?: "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";
}

export interface IntervalScheduleInput {
  readonly anchor_date?: string;
  readonly interval: string;
  readonly timezone?: string | null;
}

export interface IntervalScheduleOutput {
  readonly anchor_date?: string;
  readonly interval: number;
  readonly timezone?: string | null;
}

export interface Log {
  readonly created: string | null;
  readonly flow_run_id?: string | null;
  readonly id: string;
  readonly level: number;
  readonly message: string;
  readonly name: string;
  readonly task_run_id?: string | null;
  readonly timestamp: string;
  readonly updated: string | null;
}

export interface LogCreate {
  readonly flow_run_id?: string | null;
  readonly level: number;
  readonly message: string;
  readonly name: string;
  readonly task_run_id?: string | null;
  readonly timestamp: string;
}

export interface LogFilter {
  readonly flow_run_id?: LogFilterFlowRunId | null;
  readonly level?: LogFilterLevel | null;
  readonly operator?: Operator;
  readonly task_run_id?: LogFilterTaskRunId | null;
  readonly text?: LogFilterTextSearch | null;
  readonly timestamp?: LogFilterTimestamp | null;
}

export interface LogFilterFlowRunId {
  readonly any_?: readonly string[] | null;
}

export interface LogFilterLevel {
  readonly ge_?: number | null;
  readonly le_?: number | null;
}

export interface LogFilterTaskRunId {
  readonly any_?: readonly string[] | null;
  readonly is_null_?: boolean | null;
}

export interface LogFilterTextSearch {
  readonly query: string;
}

export interface LogFilterTimestamp {
  readonly after_?: string | null;
  readonly before_?: string | null;
}

export type LogSort = "TIMESTAMP_ASC" | "TIMESTAMP_DESC";

export interface LoggingSettings {
  readonly colors?: boolean;
  readonly config_path?: string;
  readonly extra_loggers?: string | readonly string[] | null;
  readonly level?: "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";
  readonly log_prints?: boolean;
  readonly markup?: boolean;
  readonly to_api?: LoggingToAPISettings;
}

export interface LoggingToAPISettings {
  readonly batch_interval?: number;
  readonly batch_size?: number;
  readonly enabled?: boolean;
  readonly max_log_size?: number;
  readonly when_missing_flow?: "warn" | "error" | "ignore";
}

export interface MinimalConcurrencyLimitResponse {
  readonly id: string;
  readonly limit: number;
  readonly name: string;
}

export interface Node {
  readonly artifacts: readonly GraphArtifact[];
  readonly children: readonly Edge[];
  readonly encapsulating: readonly Edge[];
  readonly end_time: string | null;
  readonly id: string;
  readonly kind: "flow-run" | "task-run";
  readonly label: string;
  readonly parents: readonly Edge[];
  readonly start_time: string;
  readonly state_type: StateType;
}

export type Operator = "and_" | "or_";

export interface OrchestrationResult {
  readonly details: StateAcceptDetails | StateWaitDetails | StateRejectDetails | StateAbortDetails;
  readonly state: State | null;
  readonly status: SetStateStatus;
}

export interface Parameter {
  readonly input_type?: "parameter";
  readonly name: string;
}

export interface PauseAutomation {
  readonly automation_id?: string | null;
  readonly source?: "selected" | "inferred";
  readonly type?: "pause-automation";
}

export interface PauseDeployment {
  readonly deployment_id?: string | null;
  readonly source?: "selected" | "inferred";
  readonly type?: "pause-deployment";
}

export interface PauseWorkPool {
  readonly source?: "selected" | "inferred";
  readonly type?: "pause-work-pool";
  readonly work_pool_id?: string | null;
}

export interface PauseWorkQueue {
  readonly source?: "selected" | "inferred";
  readonly type?: "pause-work-queue";
  readonly work_queue_id?: string | null;
}

export interface PluginsSettings {
  readonly allow?: readonly string[] | null;
  readonly deny?: readonly string[] | null;
  readonly enabled?: boolean;
  readonly safe_mode?: boolean;
  readonly setup_timeout_seconds?: number;
  readonly strict?: boolean;
}

export interface QueueFilter {
  readonly deployment_ids?: readonly string[] | null;
  readonly tags?: readonly string[] | null;
}

export interface RRuleSchedule {
  readonly rrule: string;
  readonly timezone?: string | null;
}

export interface ReceivedEvent {
  readonly event: string;
  readonly follows?: string | null;
  readonly id: string;
  readonly occurred: string;
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly received?: string;
  readonly related?: readonly RelatedResource[];
  readonly resource: Resource;
}

export type RelatedResource = Readonly<Record<string, string>>;

export type Resource = Readonly<Record<string, string>>;

export type ResourceSpecification = Readonly<Record<string, string | readonly string[]>>;

export interface ResultsSettings {
  readonly default_serializer?: string;
  readonly default_storage_block?: string | null;
  readonly local_storage_path?: string;
  readonly persist_by_default?: boolean;
}

export interface ResumeAutomation {
  readonly automation_id?: string | null;
  readonly source?: "selected" | "inferred";
  readonly type?: "resume-automation";
}

export interface ResumeDeployment {
  readonly deployment_id?: string | null;
  readonly source?: "selected" | "inferred";
  readonly type?: "resume-deployment";
}

export interface ResumeFlowRun {
  readonly type?: "resume-flow-run";
}

export interface ResumeWorkPool {
  readonly source?: "selected" | "inferred";
  readonly type?: "resume-work-pool";
  readonly work_pool_id?: string | null;
}

export interface ResumeWorkQueue {
  readonly source?: "selected" | "inferred";
  readonly type?: "resume-work-queue";
  readonly work_queue_id?: string | null;
}

export interface RunDeploymentInput {
  readonly deployment_id?: string | null;
  readonly job_variables?: Readonly<Record<string, unknown>> | null;
  readonly parameters?: Readonly<Record<string, unknown>> | null;
  readonly schedule_after?: string;
  readonly source?: "selected" | "inferred";
  readonly type?: "run-deployment";
}

export interface RunDeploymentOutput {
  readonly deployment_id?: string | null;
  readonly job_variables?: Readonly<Record<string, unknown>> | null;
  readonly parameters?: Readonly<Record<string, unknown>> | null;
  readonly schedule_after?: number;
  readonly source?: "selected" | "inferred";
  readonly type?: "run-deployment";
}

export interface RunnerServerSettings {
  readonly enable?: boolean;
  readonly host?: string;
  readonly log_level?: "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";
  readonly missed_polls_tolerance?: number;
  readonly port?: number;
}

export interface RunnerSettings {
  readonly auto_install_dependencies?: boolean;
  readonly crash_on_cancellation_failure?: boolean;
  readonly poll_frequency?: number;
  readonly process_limit?: number;
  readonly server?: RunnerServerSettings;
}

export interface SQLAlchemyConnectArgsSettings {
  readonly application_name?: string | null;
  readonly prepared_statement_cache_size?: number | null;
  readonly search_path?: string | null;
  readonly statement_cache_size?: number | null;
  readonly tls?: SQLAlchemyTLSSettings;
}

export interface SQLAlchemySettings {
  readonly connect_args?: SQLAlchemyConnectArgsSettings;
  readonly max_overflow?: number;
  readonly pool_recycle?: number;
  readonly pool_size?: number;
  readonly pool_timeout?: number | null;
}

export interface SQLAlchemyTLSSettings {
  readonly ca_file?: string | null;
  readonly cert_file?: string | null;
  readonly check_hostname?: boolean;
  readonly enabled?: boolean;
  readonly key_file?: string | null;
}

export interface SavedSearch {
  readonly created: string | null;
  readonly filters?: readonly SavedSearchFilter[];
  readonly id: string;
  readonly name: string;
  readonly updated: string | null;
}

export interface SavedSearchCreate {
  readonly filters?: readonly SavedSearchFilter[];
  readonly name: string;
}

export interface SavedSearchFilter {
  readonly object: string;
  readonly operation: string;
  readonly property: string;
  readonly type: string;
  readonly value: unknown;
}

export interface SchemaValueIndexError {
  readonly errors: readonly (string | SchemaValuePropertyError | SchemaValueIndexError)[];
  readonly index: number;
}

export interface SchemaValuePropertyError {
  readonly errors: readonly (string | SchemaValuePropertyError | SchemaValueIndexError)[];
  readonly property: string;
}

export interface SchemaValuesValidationResponse {
  readonly errors: readonly (string | SchemaValuePropertyError | SchemaValueIndexError)[];
  readonly valid: boolean;
}

export interface SendNotification {
  readonly block_document_id: string;
  readonly body: string;
  readonly subject?: string;
  readonly type?: "send-notification";
}

export interface SequenceTriggerInput {
  readonly id?: string;
  readonly triggers: readonly (EventTriggerInput | CompoundTriggerInput | SequenceTriggerInput)[];
  readonly type?: "sequence";
  readonly within: string | null;
}

export interface SequenceTriggerOutput {
  readonly id?: string;
  readonly triggers: readonly (EventTriggerOutput | CompoundTriggerOutput | SequenceTriggerOutput)[];
  readonly type?: "sequence";
  readonly within: number | null;
}

export interface ServerAPISettings {
  readonly auth_string?: string | null;
  readonly base_path?: string | null;
  readonly cors_allowed_headers?: string;
  readonly cors_allowed_methods?: string;
  readonly cors_allowed_origins?: string;
  readonly csrf_protection_enabled?: boolean;
  readonly csrf_token_expiration?: string;
  readonly default_limit?: number;
  readonly host?: string;
  readonly keepalive_timeout?: number;
  readonly max_parameter_size?: number;
  readonly port?: number;
  readonly websocket_ping_interval?: number;
  readonly websocket_ping_timeout?: number;
}

export interface ServerConcurrencySettings {
  readonly initial_deployment_lease_duration?: number;
  readonly lease_storage?: string;
  readonly maximum_concurrency_slot_wait_seconds?: number;
}

export interface ServerDatabaseSettings {
  readonly connection_timeout?: number | null;
  readonly connection_url?: string | null;
  readonly driver?: "postgresql+asyncpg" | "sqlite+aiosqlite" | null;
  readonly echo?: boolean;
  readonly host?: string | null;
  readonly migrate_on_start?: boolean;
  readonly migration_timeout?: number | null;
  readonly name?: string | null;
  readonly password?: string | null;
  readonly port?: number | null;
  readonly sqlalchemy?: SQLAlchemySettings;
  readonly timeout?: number | null;
  readonly user?: string | null;
}

export interface ServerDefaultResultStorage {
  readonly default_result_storage_block_id?: string | null;
}

export interface ServerDefaultResultStorageUpdate {
  readonly default_result_storage_block_id: string;
}

export interface ServerDeploymentsSettings {
  readonly concurrency_slot_wait_seconds?: number;
}

export interface ServerDocketSettings {
  readonly name?: string;
  readonly url?: string;
}

export interface ServerEphemeralSettings {
  readonly enabled?: boolean;
  readonly startup_timeout_seconds?: number;
}

export interface ServerEventsSettings {
  readonly causal_ordering?: string;
  readonly expired_bucket_buffer?: string;
  readonly maximum_event_name_length?: number;
  readonly maximum_labels_per_resource?: number;
  readonly maximum_related_resources?: number;
  readonly maximum_size_bytes?: number;
  readonly maximum_websocket_backfill?: string;
  readonly messaging_broker?: string;
  readonly messaging_cache?: string;
  readonly proactive_granularity?: string;
  readonly related_resource_cache_ttl?: string;
  readonly retention_period?: string;
  readonly stream_out_enabled?: boolean;
  readonly websocket_backfill_page_size?: number;
}

export interface ServerFlowRunGraphSettings {
  readonly max_artifacts?: number;
  readonly max_nodes?: number;
}

export interface ServerLogsSettings {
  readonly stream_out_enabled?: boolean;
  readonly stream_publishing_enabled?: boolean;
}

export interface ServerServicesCancellationCleanupSettings {
  readonly cancelling_timeout_seconds?: number;
  readonly enabled?: boolean;
  readonly loop_seconds?: number;
}

export interface ServerServicesCleanupReconcilerSettings {
  readonly batch_size?: number;
  readonly enabled?: boolean;
  readonly loop_seconds?: number;
}

export interface ServerServicesDBVacuumSettings {
  readonly batch_size?: number;
  readonly enabled?: readonly string[] | boolean | null;
  readonly event_retention_overrides?: Readonly<Record<string, string>>;
  readonly loop_seconds?: number;
  readonly orphan_cleanup_loop_seconds?: number;
  readonly retention_period?: string;
}

export interface ServerServicesEventLoggerSettings {
  readonly enabled?: boolean;
}

export interface ServerServicesEventPersisterSettings {
  readonly batch_size?: number;
  readonly enabled?: boolean;
  readonly flush_interval?: number;
  readonly max_flush_retries?: number;
  readonly queue_max_size?: number;
  readonly read_batch_size?: number;
}

export interface ServerServicesForemanSettings {
  readonly deployment_last_polled_timeout_seconds?: number;
  readonly enabled?: boolean;
  readonly fallback_heartbeat_interval_seconds?: number;
  readonly inactivity_heartbeat_multiple?: number;
  readonly loop_seconds?: number;
  readonly work_queue_last_polled_timeout_seconds?: number;
}

export interface ServerServicesLateRunsSettings {
  readonly after_seconds?: string;
  readonly enabled?: boolean;
  readonly loop_seconds?: number;
}

export interface ServerServicesPauseExpirationsSettings {
  readonly enabled?: boolean;
  readonly loop_seconds?: number;
}

export interface ServerServicesRepossessorSettings {
  readonly enabled?: boolean;
  readonly loop_seconds?: number;
}

export interface ServerServicesSchedulerSettings {
  readonly deployment_batch_size?: number;
  readonly enabled?: boolean;
  readonly insert_batch_size?: number;
  readonly loop_seconds?: number;
  readonly max_runs?: number;
  readonly max_scheduled_time?: string;
  readonly min_runs?: number;
  readonly min_scheduled_time?: string;
  readonly recent_deployments_loop_seconds?: number;
}

export interface ServerServicesSettings {
  readonly cancellation_cleanup?: ServerServicesCancellationCleanupSettings;
  readonly cleanup_reconciler?: ServerServicesCleanupReconcilerSettings;
  readonly db_vacuum?: ServerServicesDBVacuumSettings;
  readonly event_logger?: ServerServicesEventLoggerSettings;
  readonly event_persister?: ServerServicesEventPersisterSettings;
  readonly foreman?: ServerServicesForemanSettings;
  readonly late_runs?: ServerServicesLateRunsSettings;
  readonly pause_expirations?: ServerServicesPauseExpirationsSettings;
  readonly repossessor?: ServerServicesRepossessorSettings;
  readonly scheduler?: ServerServicesSchedulerSettings;
  readonly task_run_recorder?: ServerServicesTaskRunRecorderSettings;
  readonly triggers?: ServerServicesTriggersSettings;
}

export interface ServerServicesTaskRunRecorderSettings {
  readonly batch_size?: number;
  readonly enabled?: boolean;
  readonly flush_interval?: number;
  readonly read_batch_size?: number;
}

export interface ServerServicesTriggersSettings {
  readonly enabled?: boolean;
  readonly pg_notify_heartbeat_interval_seconds?: number;
  readonly pg_notify_reconnect_interval_seconds?: number;
  readonly read_batch_size?: number;
}

export interface ServerSettings {
  readonly analytics_enabled?: boolean;
  readonly api?: ServerAPISettings;
  readonly concurrency?: ServerConcurrencySettings;
  readonly database?: ServerDatabaseSettings;
  readonly deployment_schedule_max_scheduled_runs?: number;
  readonly deployments?: ServerDeploymentsSettings;
  readonly docket?: ServerDocketSettings;
  readonly ephemeral?: ServerEphemeralSettings;
  readonly events?: ServerEventsSettings;
  readonly flow_run_graph?: ServerFlowRunGraphSettings;
  readonly log_retryable_errors?: boolean;
  readonly logging_level?: "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";
  readonly logs?: ServerLogsSettings;
  readonly memo_store_path?: string;
  readonly memoize_block_auto_registration?: boolean;
  readonly metrics_enabled?: boolean;
  readonly register_blocks_on_start?: boolean;
  readonly services?: ServerServicesSettings;
  readonly tasks?: ServerTasksSettings;
  readonly ui?: ServerUISettings;
  readonly worker_channel?: ServerWorkerChannelSettings;
}

export interface ServerTasksSchedulingSettings {
  readonly max_retry_queue_size?: number;
  readonly max_scheduled_queue_size?: number;
  readonly pending_task_timeout?: string;
}

export interface ServerTasksSettings {
  readonly max_cache_key_length?: number;
  readonly scheduling?: ServerTasksSchedulingSettings;
  readonly tag_concurrency_slot_wait_seconds?: number;
}

export interface ServerUISettings {
  readonly api_url?: string | null;
  readonly enabled?: boolean;
  readonly serve_base?: string;
  readonly show_promotional_content?: boolean;
  readonly static_directory?: string | null;
  readonly v2_enabled?: boolean;
}

export interface ServerWorkerChannelSettings {
  readonly cleanup_completed_idempotency_retention_seconds?: number | null;
  readonly cleanup_lease_seconds?: number;
  readonly cleanup_max_delivery_attempts?: number;
  readonly cleanup_queue_storage?: string;
}

export type SetStateStatus = "ACCEPT" | "REJECT" | "ABORT" | "WAIT";

export interface Settings {
  readonly api?: APISettings;
  readonly cli?: CLISettings;
  readonly client?: ClientSettings;
  readonly cloud?: CloudSettings;
  readonly debug_mode?: boolean;
  readonly deployments?: DeploymentsSettings;
  readonly events?: EventsSettings;
  readonly experiments?: ExperimentsSettings;
  readonly flows?: FlowsSettings;
  readonly home?: string;
  readonly internal?: InternalSettings;
  readonly logging?: LoggingSettings;
  readonly plugins?: PluginsSettings;
  readonly profiles_path?: string;
  readonly results?: ResultsSettings;
  readonly runner?: RunnerSettings;
  readonly server?: ServerSettings;
  readonly silence_api_url_misconfiguration?: boolean;
  readonly tasks?: TasksSettings;
  readonly telemetry?: TelemetrySettings;
  readonly testing?: TestingSettings;
  readonly ui_url?: string | null;
  readonly worker?: WorkerSettings;
}

export interface SimpleFlowRun {
  readonly duration: number;
  readonly id: string;
  readonly lateness: number;
  readonly state_type: StateType;
  readonly timestamp: string;
}

export interface SimpleNextFlowRun {
  readonly flow_id: string;
  readonly id: string;
  readonly name: string;
  readonly next_scheduled_start_time: string;
  readonly state_name: string;
  readonly state_type: StateType;
}

export interface State {
  readonly data?: unknown;
  readonly id: string;
  readonly message?: string | null;
  readonly name?: string | null;
  readonly state_details?: StateDetails;
  readonly timestamp?: string;
  readonly type: StateType;
}

export interface StateAbortDetails {
  readonly reason?: string | null;
  readonly type?: "abort_details";
}

export interface StateAcceptDetails {
  readonly type?: "accept_details";
}

export interface StateCreate {
  readonly data?: unknown;
  readonly message?: string | null;
  readonly name?: string | null;
  readonly state_details?: StateDetails;
  readonly type: StateType;
}

export interface StateDetails {
  readonly cache_expiration?: string | null;
  readonly cache_key?: string | null;
  readonly child_flow_run_id?: string | null;
  readonly deferred?: boolean | null;
  readonly deployment_concurrency_lease_id?: string | null;
  readonly flow_run_id?: string | null;
  readonly pause_key?: string | null;
  readonly pause_reschedule?: boolean;
  readonly pause_timeout?: string | null;
  readonly refresh_cache?: boolean | null;
  readonly retriable?: boolean | null;
  readonly run_input_keyset?: Readonly<Record<string, string>> | null;
  readonly scheduled_time?: string | null;
  readonly task_parameters_id?: string | null;
  readonly task_run_id?: string | null;
  readonly traceparent?: string | null;
  readonly transition_id?: string | null;
  readonly untrackable_result?: boolean;
}

export interface StateRejectDetails {
  readonly reason?: string | null;
  readonly type?: "reject_details";
}

export type StateType =
  | "SCHEDULED"
  | "PENDING"
  | "RUNNING"
  | "COMPLETED"
  | "FAILED"
  | "CANCELLED"
  | "CRASHED"
  | "PAUSED"
  | "CANCELLING";

export interface StateWaitDetails {
  readonly delay_seconds: number;
  readonly reason?: string | null;
  readonly type?: "wait_details";
}

export interface SuspendFlowRun {
  readonly type?: "suspend-flow-run";
}

export interface TaskRun {
  readonly cache_expiration?: string | null;
  readonly cache_key?: string | null;
  readonly created: string | null;
  readonly dynamic_key: string;
  readonly empirical_policy?: TaskRunPolicy;
  readonly end_time?: string | null;
  readonly estimated_run_time?: number;
  readonly estimated_start_time_delta?: number;
  readonly expected_start_time?: string | null;
  readonly flow_run_id?: string | null;
  readonly flow_run_run_count?: number;
  readonly id: string;
  readonly labels?: Readonly<Record<string, boolean | number | string>> | null;
  readonly name?: string;
  readonly next_scheduled_start_time?: string | null;
  readonly run_count?: number;
  readonly start_time?: string | null;
  readonly state?: State | null;
  readonly state_id?: string | null;
  readonly state_name?: string | null;
  readonly state_type?: StateType | null;
  readonly tags?: readonly string[];
  readonly task_inputs?: Readonly<Record<string, readonly (TaskRunResult | FlowRunResult | Parameter | Constant)[]>>;
  readonly task_key: string;
  readonly task_version?: string | null;
  readonly total_run_time?: number;
  readonly updated: string | null;
}

export type TaskRunCount = Readonly<Record<string, number>>;

export interface TaskRunCreate {
  readonly cache_expiration?: string | null;
  readonly cache_key?: string | null;
  readonly dynamic_key: string;
  readonly empirical_policy?: TaskRunPolicy;
  readonly flow_run_id?: string | null;
  readonly id?: string | null;
  readonly labels?: Readonly<Record<string, boolean | number | string>> | null;
  readonly name?: string;
  readonly state?: StateCreate | null;
  readonly tags?: readonly string[];
  readonly task_inputs?: Readonly<Record<string, readonly (TaskRunResult | FlowRunResult | Parameter | Constant)[]>>;
  readonly task_key: string;
  readonly task_version?: string | null;
}

export interface TaskRunFilter {
  readonly end_time?: TaskRunFilterEndTime | null;
  readonly expected_start_time?: TaskRunFilterExpectedStartTime | null;
  readonly flow_run_id?: TaskRunFilterFlowRunId | null;
  readonly id?: TaskRunFilterId | null;
  readonly name?: TaskRunFilterName | null;
  readonly operator?: Operator;
  readonly start_time?: TaskRunFilterStartTime | null;
  readonly state?: TaskRunFilterState | null;
  readonly subflow_runs?: TaskRunFilterSubFlowRuns | null;
  readonly tags?: TaskRunFilterTags | null;
}

export interface TaskRunFilterEndTime {
  readonly after_?: string | null;
  readonly before_?: string | null;
  readonly is_null_?: boolean | null;
}

export interface TaskRunFilterExpectedStartTime {
  readonly after_?: string | null;
  readonly before_?: string | null;
}

export interface TaskRunFilterFlowRunId {
  readonly any_?: readonly string[] | null;
  readonly is_null_?: boolean | null;
  readonly operator?: Operator;
}

export interface TaskRunFilterId {
  readonly any_?: readonly string[] | null;
}

export interface TaskRunFilterName {
  readonly any_?: readonly string[] | null;
  readonly like_?: string | null;
}

export interface TaskRunFilterStartTime {
  readonly after_?: string | null;
  readonly before_?: string | null;
  readonly is_null_?: boolean | null;
}

export interface TaskRunFilterState {
  readonly name?: TaskRunFilterStateName | null;
  readonly operator?: Operator;
  readonly type?: TaskRunFilterStateType | null;
}

export interface TaskRunFilterStateName {
  readonly any_?: readonly string[] | null;
}

export interface TaskRunFilterStateType {
  readonly any_?: readonly StateType[] | null;
}

export interface TaskRunFilterSubFlowRuns {
  readonly exists_?: boolean | null;
}

export interface TaskRunFilterTags {
  readonly all_?: readonly string[] | null;
  readonly is_null_?: boolean | null;
  readonly operator?: Operator;
}

export interface TaskRunPaginationResponse {
  readonly count: number;
  readonly limit: number;
  readonly page: number;
  readonly pages: number;
  readonly results: readonly TaskRunResponse[];
}

export interface TaskRunPolicy {
  readonly max_retries?: number;
  readonly retries?: number | null;
  readonly retry_delay?: number | readonly number[] | null;
  readonly retry_delay_seconds?: number;
  readonly retry_jitter_factor?: number | null;
}

export interface TaskRunResponse {
  readonly created: string | null;
  readonly empirical_policy?: TaskRunPolicy;
  readonly end_time?: string | null;
  readonly estimated_run_time?: number;
  readonly estimated_start_time_delta?: number;
  readonly flow_run_id?: string | null;
  readonly id: string;
  readonly name?: string;
  readonly start_time?: string | null;
  readonly state?: State | null;
  readonly state_id?: string | null;
  readonly tags?: readonly string[];
  readonly task_inputs?: Readonly<Record<string, readonly (TaskRunResult | FlowRunResult | Parameter | Constant)[]>>;
  readonly task_key: string;
  readonly task_version?: string | null;
  readonly total_run_time?: number;
  readonly updated: string | null;
}

export interface TaskRunResult {
  readonly id: string;
  readonly input_type?: "task_run";
}

export type TaskRunSort =
  | "ID_DESC"
  | "EXPECTED_START_TIME_ASC"
  | "EXPECTED_START_TIME_DESC"
  | "NAME_ASC"
  | "NAME_DESC"
  | "NEXT_SCHEDULED_START_TIME_ASC"
  | "END_TIME_DESC";

export interface TaskRunUpdate {
  readonly name?: string;
}

export interface TaskWorkerFilter {
  readonly task_keys: readonly string[];
}

export interface TaskWorkerResponse {
  readonly identifier: string;
  readonly task_keys: readonly string[];
  readonly timestamp: string;
}

export interface TasksRunnerSettings {
  readonly process_pool_max_workers?: number | null;
  readonly thread_pool_max_workers?: number | null;
}

export interface TasksSchedulingSettings {
  readonly default_storage_block?: string | null;
  readonly delete_failed_submissions?: boolean;
}

export interface TasksSettings {
  readonly default_no_cache?: boolean;
  readonly default_persist_result?: boolean | null;
  readonly default_retries?: number;
  readonly default_retry_delay_seconds?: string | number | readonly number[] | null;
  readonly disable_caching?: boolean;
  readonly refresh_cache?: boolean;
  readonly runner?: TasksRunnerSettings;
  readonly scheduling?: TasksSchedulingSettings;
}

export interface TelemetrySettings {
  readonly enable_resource_metrics?: boolean;
  readonly resource_metrics_interval_seconds?: number;
}

export interface TestingSettings {
  readonly test_mode?: boolean;
  readonly test_setting?: unknown;
  readonly unit_test_loop_debug?: boolean;
  readonly unit_test_mode?: boolean;
}

export type TimeUnit = "week" | "day" | "hour" | "minute" | "second";

export interface UITaskRun {
  readonly cache_expiration?: string | null;
  readonly cache_key?: string | null;
  readonly created: string | null;
  readonly dynamic_key: string;
  readonly empirical_policy?: TaskRunPolicy;
  readonly end_time?: string | null;
  readonly estimated_run_time?: number;
  readonly estimated_start_time_delta?: number;
  readonly expected_start_time?: string | null;
  readonly flow_run_id?: string | null;
  readonly flow_run_name?: string | null;
  readonly flow_run_run_count?: number;
  readonly id: string;
  readonly labels?: Readonly<Record<string, boolean | number | string>> | null;
  readonly name?: string;
  readonly next_scheduled_start_time?: string | null;
  readonly run_count?: number;
  readonly start_time?: string | null;
  readonly state?: State | null;
  readonly state_id?: string | null;
  readonly state_name?: string | null;
  readonly state_type?: StateType | null;
  readonly tags?: readonly string[];
  readonly task_inputs?: Readonly<Record<string, readonly (TaskRunResult | FlowRunResult | Parameter | Constant)[]>>;
  readonly task_key: string;
  readonly task_version?: string | null;
  readonly total_run_time?: number;
  readonly updated: string | null;
}

export interface UpdatedBy {
  readonly display_value?: string | null;
  readonly id?: string | null;
  readonly type?: string | null;
}

export interface ValidationError {
  readonly ctx?: Readonly<Record<string, unknown>>;
  readonly input?: unknown;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

export interface Variable {
  readonly created: string | null;
  readonly id: string;
  readonly name: string;
  readonly tags?: readonly string[];
  readonly updated: string | null;
  readonly value: string | number | boolean | Readonly<Record<string, unknown>> | readonly unknown[] | null;
}

export interface VariableCreate {
  readonly name: string;
  readonly tags?: readonly string[];
  readonly value: string | number | boolean | Readonly<Record<string, unknown>> | readonly unknown[] | null;
}

export interface VariableFilter {
  readonly id?: VariableFilterId | null;
  readonly name?: VariableFilterName | null;
  readonly operator?: Operator;
  readonly tags?: VariableFilterTags | null;
}

export interface VariableFilterId {
  readonly any_?: readonly string[] | null;
}

export interface VariableFilterName {
  readonly any_?: readonly string[] | null;
  readonly like_?: string | null;
}

export interface VariableFilterTags {
  readonly all_?: readonly string[] | null;
  readonly is_null_?: boolean | null;
  readonly operator?: Operator;
}

export type VariableSort = "CREATED_DESC" | "UPDATED_DESC" | "NAME_DESC" | "NAME_ASC";

export interface VariableUpdate {
  readonly name?: string | null;
  readonly tags?: readonly string[] | null;
  readonly value?: string | number | boolean | Readonly<Record<string, unknown>> | readonly unknown[] | null;
}

export interface VersionInfo {
  readonly type: string;
  readonly version: string;
}

export interface WorkPoolConcurrencyStatus {
  readonly active_slots: number;
  readonly concurrency_limit?: number | null;
  readonly count: number;
  readonly limit: number;
  readonly page: number;
  readonly pages: number;
  readonly queues?: readonly WorkQueueConcurrencyStatusDetail[];
}

export interface WorkPoolCreate {
  readonly base_job_template?: Readonly<Record<string, unknown>>;
  readonly concurrency_limit?: number | null;
  readonly description?: string | null;
  readonly is_paused?: boolean;
  readonly name: string;
  readonly storage_configuration?: WorkPoolStorageConfiguration;
  readonly type?: string;
}

export interface WorkPoolFilter {
  readonly id?: WorkPoolFilterId | null;
  readonly name?: WorkPoolFilterName | null;
  readonly operator?: Operator;
  readonly type?: WorkPoolFilterType | null;
}

export interface WorkPoolFilterId {
  readonly any_?: readonly string[] | null;
}

export interface WorkPoolFilterName {
  readonly any_?: readonly string[] | null;
}

export interface WorkPoolFilterType {
  readonly any_?: readonly string[] | null;
}

export interface WorkPoolResponse {
  readonly active_slots?: number | null;
  readonly base_job_template?: Readonly<Record<string, unknown>>;
  readonly concurrency_limit?: number | null;
  readonly created: string | null;
  readonly default_queue_id?: string | null;
  readonly description?: string | null;
  readonly id: string;
  readonly is_paused?: boolean;
  readonly name: string;
  readonly status?: WorkPoolStatus | null;
  readonly storage_configuration?: WorkPoolStorageConfiguration;
  readonly type: string;
  readonly updated: string | null;
}

export type WorkPoolStatus = "READY" | "NOT_READY" | "PAUSED";

export interface WorkPoolStorageConfiguration {
  readonly bundle_execution_step?: Readonly<Record<string, unknown>> | null;
  readonly bundle_upload_step?: Readonly<Record<string, unknown>> | null;
  readonly default_result_storage_block_id?: string | null;
}

export interface WorkPoolUpdate {
  readonly base_job_template?: Readonly<Record<string, unknown>> | null;
  readonly concurrency_limit?: number | null;
  readonly description?: string | null;
  readonly is_paused?: boolean | null;
  readonly storage_configuration?: WorkPoolStorageConfiguration | null;
}

export interface WorkQueue {
  readonly concurrency_limit?: number | null;
  readonly created: string | null;
  readonly description?: string | null;
  readonly filter?: QueueFilter | null;
  readonly id: string;
  readonly is_paused?: boolean;
  readonly last_polled?: string | null;
  readonly name: string;
  readonly priority?: number;
  readonly updated: string | null;
  readonly work_pool_id?: string | null;
}

export interface WorkQueueConcurrencyStatus {
  readonly active_slots: number;
  readonly concurrency_limit?: number | null;
  readonly count: number;
  readonly flow_runs?: readonly FlowRunSlotSummary[];
  readonly limit: number;
  readonly page: number;
  readonly pages: number;
}

export interface WorkQueueConcurrencyStatusDetail {
  readonly active_slots: number;
  readonly concurrency_limit?: number | null;
  readonly flow_run_count?: number | null;
  readonly flow_runs?: readonly FlowRunSlotSummary[];
  readonly queue_id: string;
  readonly queue_name: string;
}

export interface WorkQueueCreate {
  readonly concurrency_limit?: number | null;
  readonly description?: string | null;
  readonly filter?: QueueFilter | null;
  readonly is_paused?: boolean;
  readonly name: string;
  readonly priority?: number | null;
}

export interface WorkQueueFilter {
  readonly id?: WorkQueueFilterId | null;
  readonly name?: WorkQueueFilterName | null;
  readonly operator?: Operator;
}

export interface WorkQueueFilterId {
  readonly any_?: readonly string[] | null;
}

export interface WorkQueueFilterName {
  readonly any_?: readonly string[] | null;
  readonly startswith_?: readonly string[] | null;
}

export interface WorkQueueHealthPolicy {
  readonly maximum_late_runs?: number | null;
  readonly maximum_seconds_since_last_polled?: number | null;
}

export interface WorkQueueResponse {
  readonly active_slots?: number | null;
  readonly concurrency_limit?: number | null;
  readonly created: string | null;
  readonly description?: string | null;
  readonly filter?: QueueFilter | null;
  readonly id: string;
  readonly is_paused?: boolean;
  readonly last_polled?: string | null;
  readonly name: string;
  readonly priority?: number;
  readonly status?: WorkQueueStatus | null;
  readonly updated: string | null;
  readonly work_pool_id?: string | null;
  readonly work_pool_name?: string | null;
}

export type WorkQueueStatus = "READY" | "NOT_READY" | "PAUSED";

export interface WorkQueueStatusDetail {
  readonly health_check_policy: WorkQueueHealthPolicy;
  readonly healthy: boolean;
  readonly last_polled?: string | null;
  readonly late_runs_count?: number;
}

export interface WorkQueueUpdate {
  readonly concurrency_limit?: number | null;
  readonly description?: string | null;
  readonly filter?: QueueFilter | null;
  readonly is_paused?: boolean;
  readonly last_polled?: string | null;
  readonly name?: string | null;
  readonly priority?: number | null;
}

export interface WorkerFilter {
  readonly last_heartbeat_time?: WorkerFilterLastHeartbeatTime | null;
  readonly operator?: Operator;
  readonly status?: WorkerFilterStatus | null;
}

export interface WorkerFilterLastHeartbeatTime {
  readonly after_?: string | null;
  readonly before_?: string | null;
}

export interface WorkerFilterStatus {
  readonly any_?: readonly WorkerStatus[] | null;
  readonly not_any_?: readonly WorkerStatus[] | null;
}

export interface WorkerFlowRunResponse {
  readonly flow_run: FlowRun;
  readonly work_pool_id: string;
  readonly work_queue_id: string;
}

export interface WorkerResponse {
  readonly created: string | null;
  readonly heartbeat_interval_seconds?: number | null;
  readonly id: string;
  readonly last_heartbeat_time?: string | null;
  readonly name: string;
  readonly status?: WorkerStatus;
  readonly updated: string | null;
  readonly work_pool_id: string;
}

export interface WorkerSettings {
  readonly cancellation_poll_seconds?: number;
  readonly debug_mode?: boolean;
  readonly enable_cancellation?: boolean;
  readonly heartbeat_seconds?: number;
  readonly prefetch_seconds?: number;
  readonly query_seconds?: number;
  readonly webserver?: WorkerWebserverSettings;
}

export type WorkerStatus = "ONLINE" | "OFFLINE";

export interface WorkerWebserverSettings {
  readonly host?: string;
  readonly port?: number;
}
