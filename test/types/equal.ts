// Helpers of the type tests: nothing here runs.

/** Whether two types are one and the same, not merely assignable: an intersection is not its flat form. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only for `true`. */
export function assert<_T extends true>(): void {}

/** A value of a type, for what is never run. */
export declare function some<T>(): T;
