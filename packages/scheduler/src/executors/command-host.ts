// A small process beside one that runs commands: it starts them, watches them, and keeps their logs. Two reasons: to start a process from a
// large one takes tens of milliseconds in which nothing else happens there; and if the other is killed by SIGKILL, this one is left to
// end what runs. A program of its own, started by use-command-host.ts. See docs/decisions/020-commands-have-a-host.md.
import { RunLog } from '@entropic/core/internal';
import type { CommandSpec, HostAnswer, HostOrder } from './command-messages.js';
import { runCommand } from './command-process.js';
import { markedProcesses } from './marked-processes.js';
import { type MemoryWatch, watchMemory } from './memory-watch.js';
import { signalTo } from './system-processes.js';

/** From being asked to end to SIGKILL, in milliseconds, when the owner is gone: after 5 s nothing may be left. */
const GRACE_MS = 2000;
const POLL_MS = 500;

const [owner, mark = ''] = process.argv.slice(2);
const running = new Map<number, AbortController>();
const groups = new Set<number>();
let alone = false;

// It ends with its owner, not by a signal that was meant for both.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

process.on('message', (order: HostOrder) => {
  if (order.type === 'run') void run(order.key, order.spec);
  else if (order.type === 'stop') running.get(order.key)?.abort();
  else process.exit();
});
process.on('disconnect', endAll);
// The other end may have been inherited by a process that lives on. A process whose parent died has another one.
const poll = setInterval(() => {
  if (process.ppid !== Number(owner)) endAll();
}, POLL_MS);

async function run(key: number, spec: CommandSpec): Promise<void> {
  const controller = new AbortController();
  running.set(key, controller);
  const log = new RunLog(spec.log);
  const started = performance.now();
  let group: number | undefined;
  let memory: MemoryWatch | undefined;
  let answer: HostAnswer;
  try {
    const end = await runCommand({
      ...spec,
      signal: controller.signal,
      onOutput: (bytes) => log.write(bytes),
      onStart(id, stop) {
        group = id;
        groups.add(id);
        tell({ type: 'started', key, group: id });
        if (spec.memoryLimit !== undefined) memory = watchMemory(id, spec.memoryLimit, () => stop('oom', true));
      },
    });
    const seconds = (performance.now() - started) / 1000;
    answer = { type: 'ended', key, end: { ...end, seconds, peakBytes: memory?.peakBytes } };
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    answer = { type: 'failed', key, message, code };
  }
  memory?.stop();
  log.close();
  running.delete(key);
  if (group !== undefined) groups.delete(group);
  tell(answer);
}

function tell(answer: HostAnswer): void {
  // The owner may go at any moment; `disconnect` tells.
  if (process.connected) process.send?.(answer, undefined, undefined, () => {});
}

function endAll(): void {
  if (alone) return;
  alone = true;
  clearInterval(poll);
  const send = (signal: NodeJS.Signals | 0) => {
    const targets = [...[...groups].map((group) => -group), ...markedProcesses(mark)];
    return targets.filter((target) => signalTo(target, signal)).length > 0;
  };
  // As a rule there is nothing left: it ended in its own way.
  if (!send('SIGTERM')) process.exit();
  const end = Date.now() + GRACE_MS;
  setInterval(() => {
    if (send(0) && Date.now() < end) return;
    send('SIGKILL');
    process.exit();
  }, 50);
}
