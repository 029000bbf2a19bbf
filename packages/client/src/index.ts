// What users may import from the client, by name.

export type { ClientOptions, SchedulerInfo, SubmitOptions } from './client.js';
export { Client } from './client.js';
export type { FutureStatus } from './future.js';
export { RunFuture } from './future.js';
