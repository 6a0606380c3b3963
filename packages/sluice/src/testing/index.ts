export { ManualClock } from "./manual-clock.ts";
export { MemoryResultStore, RecordingTracker, useRecordingHost } from "./recording-host.ts";
export type { RecordedRun, RecordingHost } from "./recording-host.ts";
