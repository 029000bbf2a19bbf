// Starts a script that prints figures as lines of JSON, and reads them. Used by run.mjs for our rows and for the peers.
import { spawn } from 'node:child_process';

/**
 * @typedef {object} Figure
 * @property {string} peer
 * @property {string} case
 * @property {number} value
 * @property {string} unit
 * @property {number} load1
 */

/**
 * @typedef {object} Printed
 * @property {Figure[]} figures
 * @property {string} [problem] why the script counts as failed; its figures up to then were printed all the same
 */

/** The groups of processes that were started and have not ended. @type {Set<number>} */
const groups = new Set();

/**
 * What is started here does not hear of Ctrl-C, being in groups of its own: a signal ends it and then this process.
 *
 * @param {() => void} cleanUp
 * @returns {() => void} forgets it
 */
export function endAtSignals(cleanUp) {
  const end = (/** @type {NodeJS.Signals} */ signal) => {
    for (const group of groups) killGroup(group);
    cleanUp();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.on('SIGINT', end).on('SIGTERM', end);
  return () => void process.off('SIGINT', end).off('SIGTERM', end);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, seconds: number }} options
 * @returns {Promise<Printed>}
 */
export function readFigures(command, args, { cwd, env, seconds }) {
  return new Promise((resolve) => {
    // A group of its own, so that a cluster's workers go with it when the time is over.
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const { pid } = child;
    if (pid !== undefined) groups.add(pid);
    let stdout = '';
    let stderr = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      killGroup(pid);
    }, seconds * 1000);
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr = (stderr + text).slice(-4000);
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ figures: [], problem: `could not be started: ${error.message}` });
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (pid !== undefined) groups.delete(pid);
      const figures = figuresIn(stdout);
      if (late) resolve({ figures, problem: `did not end within ${seconds} s` });
      else if (code !== 0)
        resolve({ figures, problem: `ended with ${signal ?? `exit code ${code}`}\n${stderr}`.trim() });
      else resolve({ figures });
    });
  });
}

/** @param {number | undefined} pid */
function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

/** @param {string} text @returns {Figure[]} */
function figuresIn(text) {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    try {
      const figure = JSON.parse(line);
      return typeof figure.value === 'number' && typeof figure.case === 'string' ? [figure] : [];
    } catch {
      return [];
    }
  });
}
