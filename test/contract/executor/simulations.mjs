// The runners of the executor contract: good ones, and one bad one of each kind. The inline executor imports this file, threads get
// its URL. Plain JavaScript, and nothing of ours.
import { appendFileSync, existsSync, mkdirSync, readdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Counts an execution in a log of its own. */
function count({ folder, n }) {
  mkdirSync(folder, { recursive: true });
  appendFileSync(join(folder, 'executions'), `${n}\n`);
}

function spin(milliseconds) {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
}

export async function simple(params, run) {
  count(params);
  const { n, resultFile } = params;
  writeFileSync(resultFile, `the result of n = ${n}\n`);
  run.progress(0.5, 'half');
  return { twice: 2 * n, list: [1, 'a', null, true] };
}

/** Waits until `n` runs of this folder are under way at once: proof of as many whole slots. */
export async function together({ folder, n, how }, run) {
  const here = join(folder, `together-${how}`);
  mkdirSync(here, { recursive: true });
  writeFileSync(join(here, run.id), '');
  for (const end = Date.now() + 20_000; readdirSync(here).length < n; await sleep(5)) {
    if (Date.now() > end) throw new Error(`only ${readdirSync(here).length} of ${n} runs at once`);
  }
  writeFileSync(run.resultFile, 'together');
}

/** Everything that a run can see. */
export function context(params, run) {
  let frozen = 0;
  for (const change of [() => (params.n = 0), () => delete params.n, () => (params.more.list[0] = 'changed')]) {
    try {
      change();
    } catch (error) {
      if (error instanceof TypeError) frozen++;
    }
  }
  const before = existsSync(join(run.resultFile, '..', `${run.id}.work`));
  const { workDir } = run;
  writeFileSync(join(workDir, 'scratch'), 'scratch');
  writeFileSync(run.resultFile, 'context');
  run.progress(0.25);
  run.progress(1, 'done');
  run.log('a line with %d', 42, { and: 'an object' });
  return {
    id: run.id,
    seed: run.seed,
    attempt: run.attempt,
    params: { n: params.n, how: params.how, more: params.more },
    sameFile: params.resultFile === run.resultFile,
    suffix: basename(run.resultFile).split('.').slice(-2).join('.'),
    frozen,
    before,
    workDir,
    sameWorkDir: run.workDir === workDir,
    aborted: run.signal.aborted,
    keys: Object.keys(params),
  };
}

/** Fails until it has been executed `n` times. */
export function third(params, run) {
  count(params);
  console.log('this is attempt', run.attempt);
  if (run.attempt < 3) throw new Error(`attempt ${run.attempt}`);
  writeFileSync(run.resultFile, `attempt ${run.attempt}`);
  return run.attempt;
}

/** Says that it runs, then waits for `run.signal`. */
export async function patient(params, run) {
  count(params);
  await new Promise((resolve, reject) => {
    // Node ends a thread that only waits for a promise: something must be to come.
    const timer = setTimeout(resolve, 60_000);
    run.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      appendFileSync(join(params.folder, 'heard'), `${run.signal.reason?.name}: ${run.signal.reason?.message}\n`);
      reject(run.signal.reason);
    });
    appendFileSync(join(params.folder, 'begun'), `${params.n}\n`);
  });
  writeFileSync(run.resultFile, 'too late');
}

/** Waits for `run.signal` the first time, and says so; afterwards it does neither. */
export async function hesitant({ folder, n }, run) {
  const first = !existsSync(join(folder, 'begun'));
  if (first) console.log('hesitating');
  appendFileSync(join(folder, 'begun'), `${n}\n`);
  if (first) await sleep(60_000, undefined, { signal: run.signal });
  writeFileSync(run.resultFile, 'done');
}

/** Is asked to stop, and finishes all the same. */
export async function stubborn(params, run) {
  appendFileSync(join(params.folder, 'begun'), `${params.n}\n`);
  await new Promise((resolve) => {
    run.signal.addEventListener('abort', resolve);
    setTimeout(resolve, 60_000);
  });
  writeFileSync(run.resultFile, 'finished after the abort');
}

/** Computes for so many milliseconds without a pause. */
export function computing(params, run) {
  count(params);
  console.log('computing for', params.n);
  appendFileSync(join(params.folder, 'begun'), `${params.n}\n`);
  spin(params.n);
  writeFileSync(run.resultFile, 'computed');
}

/** Takes half a second. */
export async function waiting(params, run) {
  count(params);
  await sleep(500);
  writeFileSync(run.resultFile, 'waited');
}

/** Says that it is in a slot, and stays there for a moment. */
export async function held({ folder, n, more }, run) {
  const here = join(folder, 'held');
  mkdirSync(here, { recursive: true });
  const mine = join(here, `${n}`);
  writeFileSync(mine, '');
  appendFileSync(join(folder, 'most'), `${readdirSync(here).length}\n`);
  await sleep(more?.milliseconds ?? 30);
  writeFileSync(run.resultFile, 'held');
  unlinkSync(mine);
}

const circular = { name: 'a ring' };
circular.itself = circular;

class NotConverged extends RangeError {
  constructor(message, options) {
    super(message, options);
    this.name = 'NotConverged';
    this.code = 'E_NOT_CONVERGED';
  }
}

const leaks = [];

/** What each `how` does before, or instead of, a good end. */
const WAYS = {
  fine: () => {},
  error: () => {
    throw new NotConverged('after 100 steps', { cause: new TypeError('dt is too large') });
  },
  string: () => {
    throw 'only a text';
  },
  null: () => {
    throw null;
  },
  undefined: () => {
    throw undefined;
  },
  symbol: () => {
    throw Symbol('strange');
  },
  object: () => {
    throw { status: 500 };
  },
  frozen: () => {
    throw Object.freeze(new Error('a frozen error'));
  },
  getter: () => {
    throw Object.defineProperty(new Error(''), 'message', {
      get() {
        throw new Error('the getter threw');
      },
    });
  },
  'odd-message': () => {
    throw Object.assign(new Error('x'), { message: () => 'a function as message' });
  },
  circular: () => {
    throw circular;
  },
  proxy: () => {
    throw new Proxy(
      {},
      {
        get: () => {
          throw new Error('no');
        },
        has: () => {
          throw new Error('no');
        },
        getPrototypeOf: () => {
          throw new Error('no');
        },
      },
    );
  },
  reject: () => Promise.reject(new NotConverged('rejected')),
  'reject-nothing': () => Promise.reject(),
  timer: async () => {
    setTimeout(() => {
      throw new NotConverged('out of a timer');
    }, 5);
    await sleep(20_000);
  },
  unhandled: async () => {
    Promise.reject(new NotConverged('nobody listens'));
    await sleep(20_000);
  },
  'exit-0': () => process.exit(0),
  'exit-7': () => process.exit(7),
  'exit-later': async () => {
    setTimeout(() => process.exit(3), 5);
    await sleep(20_000);
  },
  nothing: () => 'nothing',
  empty: (file) => writeFileSync(file, ''),
  elsewhere: (file) => writeFileSync(join(file, '../../../../elsewhere'), 'the result'),
  folder: (file) => mkdirSync(file),
  symlink: (file) => symlinkSync('/etc/hostname', file),
  dangling: (file) => symlinkSync('/no/such/file', file),
  heap: () => {
    for (;;) leaks.push(new Array(10_000).fill(leaks.length).map((x) => ({ x })));
  },
};
const WRITES_NOTHING = new Set(['nothing', 'empty', 'elsewhere', 'folder', 'symlink', 'dangling']);

/** Good or bad, as `how` says. */
export async function any(params, run) {
  count(params);
  await WAYS[params.how](run.resultFile);
  // Its siblings are under way while the bad one ends.
  if (params.how === 'fine') await sleep(20);
  if (!WRITES_NOTHING.has(params.how)) writeFileSync(run.resultFile, `${params.n}`);
}

/** Returns, and only then goes wrong. */
export async function later(params, run) {
  count(params);
  const { how, folder, n } = params;
  writeFileSync(run.resultFile, `n = ${n}`);
  if (how === 'throws')
    setTimeout(() => {
      throw new Error('long after its return');
    }, 10);
  else if (how === 'rejects') setTimeout(() => Promise.reject(new Error('nobody waits any more')), 10);
  else if (how === 'exits') setTimeout(() => process.exit(5), 10);
  else if (how === 'writes') {
    const file = run.resultFile;
    let left = 20;
    const timer = setInterval(() => {
      appendFileSync(join(folder, 'late'), '.');
      console.log('late output of', n);
      // What it wrote may have its final name by now.
      for (const path of [file, join(folder, 'results', `${run.id}.dat`)])
        if (existsSync(path)) appendFileSync(path, 'late');
      if (--left === 0) clearInterval(timer);
    }, 2);
  } else await sleep(120);
}

const VALUES = {
  huge: () => 'x'.repeat(100_000),
  function: () => () => 1,
  cycle: () => circular,
  nan: () => Number.NaN,
  date: () => new Date(0),
  bigint: () => 1n,
  'class instance': () => new NotConverged('as a value'),
  map: () => new Map([[1, 2]]),
};
export function returns(params, run) {
  writeFileSync(run.resultFile, 'whole');
  return VALUES[params.how]();
}

/** Prints, step by step as the test lets it. */
export async function prints({ folder, how }, run) {
  console.log('to stdout: %s', how);
  console.error('to stderr');
  process.stdout.write(Buffer.from('bytes ✓\n'));
  process.stdout.write('68657821', 'hex');
  process.stdout.write('\n');
  run.log('by log');
  for (const end = Date.now() + 20_000; !existsSync(join(folder, 'go on')); await sleep(5)) {
    if (Date.now() > end) throw new Error('nobody said go on');
  }
  console.log('the last line');
  writeFileSync(run.resultFile, 'printed');
}

/** `n` megabytes of numbered lines. */
export function talks({ n }, run) {
  const line = 99;
  for (let i = 0; i < n * 10_000; i += 100) {
    let text = '';
    for (let k = i; k < i + 100; k++) text += `${String(k).padStart(line, '0')}\n`;
    process.stdout.write(text);
  }
  console.log('the very end');
  writeFileSync(run.resultFile, 'said');
}

const ENDS = {
  returns: (file) => writeFileSync(file, 'said'),
  throws: () => {
    throw new NotConverged('after many lines');
  },
  exits: () => process.exit(3),
  killed: () => process.kill(process.pid, 'SIGKILL'),
  'writes nothing': () => {},
  'writes late': async (file) => {
    console.log('a last line');
    mkdirSync(file);
    await sleep(20);
  },
};

/** `n` numbered lines, and then one of the ends. */
export async function says({ n, how, resultFile }) {
  let text = '';
  for (let i = 0; i < n; i++) text += `line ${i} ✓\n`;
  process.stdout.write(text);
  await ENDS[how](resultFile);
  if (how === 'killed') await sleep(20_000);
}
