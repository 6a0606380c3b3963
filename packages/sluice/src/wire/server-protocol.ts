/** What `GET /api/sluice/protocol` answers: how a client knows a server of ours from one of Prefect's, and which records it takes. */
export interface ServerProtocol {
  readonly server: "sluice";
  /** Version of what `POST /api/sluice/run-records` takes. */
  readonly run_records: number;
}

/** That of this version. */
export const SERVER_PROTOCOL: ServerProtocol = { server: "sluice", run_records: 1 };
