// The heartbeat's thread: one statement each third of the lease. It loads nothing before the first beat, so a short-lived store
// pays only for the thread itself. Started by heartbeat.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { postgresDialect } from './database/postgres-dialect.js';
import { sqliteDialect } from './database/sqlite-dialect.js';
import { openHandle } from './database/sqlite-handle.js';
import type { HeartbeatData } from './heartbeat.js';
import { RENEW_SQL } from './leases.js';

const { target, owner, leaseMs } = workerData as HeartbeatData;

// Node fires a timer beyond its limit of 24.8 days at once.
const pause = Math.min(leaseMs / 3, 2 ** 31 - 1);

type Beat = () => Promise<void>;
let beat: Beat | undefined;

async function connect(): Promise<Beat> {
  if (target.kind === 'sqlite') {
    const handle = openHandle(target.path);
    // This thread may block: it has nothing else to do. A busy database is waited for, but not into the next beat.
    handle.exec(`PRAGMA busy_timeout = ${Math.floor(leaseMs / 4)}`);
    handle.exec('PRAGMA synchronous = NORMAL');
    const sql = RENEW_SQL(sqliteDialect.nowMs);
    return async () => void handle.all(sql, [leaseMs, owner]);
  }
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: target.url, application_name: 'entropic heartbeat' });
  client.on('error', () => {
    beat = undefined;
  });
  await client.connect();
  let n = 0;
  const sql = RENEW_SQL(postgresDialect.nowMs).replace(/\?/g, () => `$${++n}::${n === 1 ? 'bigint' : 'text'}`);
  return async () => void (await client.query(sql, [leaseMs, owner]));
}

async function tick(): Promise<void> {
  try {
    beat ??= await connect();
    await beat();
    setTimeout(tick, pause);
  } catch (error) {
    // A database that is away for a moment: sooner again than a whole beat, the lease runs on.
    beat = undefined;
    parentPort?.postMessage(`renewing leases failed: ${(error as Error).message}`);
    setTimeout(tick, Math.min(1000, leaseMs / 10));
  }
}

setTimeout(tick, pause);
