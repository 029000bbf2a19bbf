// A runner module, for the types of `moduleRunner<typeof import('./simulate.js')>`.
import type { RunContext } from 'entropic';

export default async function simulate(params: { n: number; steps: number; dt: number }, run: RunContext) {
  return { energy: params.n * params.dt, seed: run.seed };
}

export function fast(params: { n: number; method: 'rk4' | 'euler' }): string {
  return params.method;
}

export const wantsMore = (params: { n: number; colour: string }): number => params.n + params.colour.length;

export const withFile = ({ n, resultFile }: { readonly n: number; readonly resultFile: string }): void =>
  void (resultFile + n);
