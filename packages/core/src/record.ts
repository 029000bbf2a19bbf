// The object that users get for a row. Called by lookup.ts and ingest.ts.
import { publicCustomData } from './custom-data.js';
import type { RunRecordFields } from './types.js';

/** A record whose params are not known to the compiler. */
export type AnyRecord = RunRecordFields & Record<string, unknown>;

export function toRecord(
  row: { id: string; createdAt: Date; customData: Record<string, unknown> },
  params: Readonly<Record<string, unknown>>,
  file: string,
): AnyRecord {
  return {
    id: row.id,
    resultFile: file,
    createdAt: row.createdAt,
    customData: publicCustomData(row.customData),
    ...params,
  } as AnyRecord;
}
