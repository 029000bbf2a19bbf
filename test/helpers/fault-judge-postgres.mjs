// The Postgres half of fault-judge.py: reads a table's rows with its own SQL, and nothing of entropic's. One request { url, table } a
// line on stdin, one answer a line on stdout.
import { createInterface } from 'node:readline';
import pg from 'pg';

const clients = new Map();

async function clientOf(url) {
  let client = clients.get(url);
  if (client === undefined) {
    client = new pg.Client({ connectionString: url });
    await client.connect();
    clients.set(url, client);
  }
  return client;
}

async function look({ url, table }) {
  const client = await clientOf(url);
  const known = await client.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'");
  const names = new Set(known.rows.map((row) => row.table_name));
  const select = async (text, needs, values) =>
    names.has(needs) ? (await client.query({ text, values, rowMode: 'array' })).rows : [];
  return {
    rows: await select(`SELECT id, result_file, n::int FROM "${table}"`, table),
    runs: await select(
      'SELECT id, sha256, size::int, mtime_ns::text, fence::int FROM entropic_runs WHERE table_name = $1',
      'entropic_runs',
      [table],
    ),
    leases: await select('SELECT id, owner FROM entropic_leases WHERE table_name = $1', 'entropic_leases', [table]),
    check: 'ok',
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await look(JSON.parse(line)))}\n`);
}
for (const client of clients.values()) await client.end();
