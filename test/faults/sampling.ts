// Which of all fault cases are tried: in a normal run a sample drawn with a printed seed, all of them with ENTROPIC_TEST_FULL=1.
import type { Plan, What } from './trials.js';

export const full = !['', '0', 'false'].includes((process.env.ENTROPIC_TEST_FULL ?? '').toLowerCase());

/** Of one test, in milliseconds: all cases take their time. */
export const timeout = full ? 3_600_000 : 180_000;

/** ENTROPIC_TEST_SEED repeats an earlier sample. */
export const seed = Number(process.env.ENTROPIC_TEST_SEED ?? Date.now() % 1_000_000);

/** Mulberry32: numbers in [0, 1) that the seed decides. */
export function randomFrom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` of the items in a random order; all of them in a full run. */
export function sample<T>(items: readonly T[], count: number, random: () => number): T[] {
  if (full) return [...items];
  const left = [...items];
  const drawn: T[] = [];
  while (drawn.length < count && left.length > 0) drawn.push(...left.splice(Math.floor(random() * left.length), 1));
  return drawn;
}

/** "fs.link 0123.dat" → "fs.link". */
export function callOf(step: string): string {
  return step.split(' ')[0] as string;
}

/** A plan for each step of a trace and each fault that can happen there: the k-th call of its name. */
export function plansFor(trace: readonly string[], whats: (call: string) => readonly What[]): Plan[] {
  const seen = new Map<string, number>();
  return trace.flatMap((step) => {
    const call = callOf(step);
    const at = (seen.get(call) ?? 0) + 1;
    seen.set(call, at);
    return whats(call).map((what) => ({ what, call, at }));
  });
}

/** First of each pair of call and fault one, in a random order, then a random rest. */
export function stratified(plans: readonly Plan[], count: number, random: () => number): Plan[] {
  if (full) return [...plans];
  const groups = new Map<string, Plan[]>();
  for (const plan of plans)
    groups.set(`${plan.what} ${plan.call}`, [...(groups.get(`${plan.what} ${plan.call}`) ?? []), plan]);
  const mixed = sample([...groups.values()], groups.size, random);
  const chosen = new Set(mixed.flatMap((group) => sample(group, 1, random)));
  for (const plan of sample(plans, plans.length, random)) if (chosen.size < count) chosen.add(plan);
  return [...chosen].slice(0, count);
}

/** Works off a list, a few at a time. */
export async function eachOf<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < items.length; index = next++) await work(items[index] as T, index);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
