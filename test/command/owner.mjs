// A program whose commands are busy when the test kills it. Its last line of output is JSON. Arguments: folder, url of the database.
import { join } from 'node:path';
import { Client, commandRunner, defineResult, int, Store, text } from 'entropic';

const [folder, dbUrl] = process.argv.slice(2);
const store = await Store.open({
  model: defineResult('busy', { n: int(), folder: text() }),
  runner: commandRunner(['python3', new URL('./busy.py', import.meta.url), '{result_file}', '{folder}', '{n}']),
  resultsDir: join(folder, 'results'),
  dbUrl,
});
const client = await Client.connect({ threads: 2 });
const statuses = [];
for await (const { status } of store.sweep({ n: [0, -1, 1, 2], folder: [folder] }, { client })) statuses.push(status);
await client.close();
await store.close();
console.log(JSON.stringify(statuses));
