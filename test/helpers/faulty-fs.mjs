// The library's FileSystem seam with a FaultPlan in front of every call. Used by fault-child.mjs.
import { basename } from 'node:path';

const ASYNC = new Set(['digest', 'fsync']);

/** @param real `realSeams.fs` of @entropic/core/internal */
export function faultyFs(real, plan) {
  const halves = {
    append: (fd, text) => real.append(fd, text.slice(0, text.length / 2)),
    writeNew: (path, text) => real.writeNew(path, text.slice(0, text.length / 2)),
  };
  return Object.fromEntries(
    Object.entries(real).map(([name, call]) => [
      name,
      (...args) => {
        const options = { detail: typeof args[0] === 'string' ? basename(args[0]) : undefined };
        if (halves[name]) options.half = () => halves[name](...args);
        const work = () => plan.around(`fs.${name}`, () => call.apply(real, args), options);
        // What promises an answer must not throw before it.
        return ASYNC.has(name) ? Promise.resolve().then(work) : work();
      },
    ]),
  );
}
