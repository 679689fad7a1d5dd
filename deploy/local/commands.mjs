import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants } from 'node:fs';
import { setPriority } from 'node:os';
import { basename, delimiter, join } from 'node:path';

import { PartFailure } from './failure.mjs';
import { lastWords, openLog, sizeOf } from './logs.mjs';
import { removeRecord, startTimeOf, writeRecord } from './processes.mjs';

/**
 * Where a program is on the PATH.
 * @param {string} name @param {readonly string[]} [first]  folders to look in before the PATH
 * @returns {string | undefined}
 */
export function findProgram(name, first = []) {
  const folders = [...first, ...(process.env['PATH'] ?? '').split(delimiter)].filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @type {Set<number>} */
const runningGroups = new Set();
let closing = false;
/** @type {string | undefined} */
let recordsIn;

/** For a process that is about to end: ends the commands that run, with all they started, and lets nothing start any more. */
export function endCommands() {
  closing = true;
  for (const leader of runningGroups) endGroup(leader);
}

/**
 * From here on each command that runs is written down there, so that one whose parent was killed is found again.
 * @param {string} runDir
 */
export function recordCommandsIn(runDir) {
  recordsIn = runDir;
}

/** @param {string} name @param {number} pid @returns {() => void} to be called when it has ended */
function track(name, pid) {
  const runDir = recordsIn;
  runningGroups.add(pid);
  if (runDir !== undefined) {
    const startTime = startTimeOf(pid) ?? '';
    writeRecord(runDir, { name, pid, startTime, stopSignal: 'SIGKILL', graceMs: 1_000, role: 'command', group: true });
  }
  return () => {
    runningGroups.delete(pid);
    if (runDir !== undefined) removeRecord(runDir, { name, pid });
  };
}

/** @param {string} part */
export function refuseWhenClosing(part) {
  if (closing) throw new PartFailure(part, 'not started: everything is being stopped');
}

/**
 * Runs a command to its end with its output in a log file; a failure names part, command, last line and log.
 * @param {object} options
 * @param {string} options.part
 * @param {string} options.command
 * @param {readonly string[]} options.args
 * @param {string} options.logFile
 * @param {string} [options.cwd]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {{ uid: number, gid: number } | undefined} [options.user]
 * @param {number} [options.niceness]  0 to 19; the higher, the more it yields to others
 * @param {string | undefined} [options.mend]
 * @returns {Promise<void>}
 */
export async function runLogged({ part, command, args, logFile, cwd, env, user, niceness, mend }) {
  refuseWhenClosing(part);
  const log = openLog(logFile);
  const logFrom = sizeOf(logFile);
  const child = spawn(command, [...args], {
    cwd,
    env: env ?? process.env,
    stdio: ['ignore', log, log],
    detached: true,
    ...user,
  });
  closeSync(log);
  const untrack = child.pid === undefined ? undefined : track(basename(command), child.pid);
  if (child.pid !== undefined && niceness !== undefined) setPriority(child.pid, niceness);
  /** @type {string} */
  const problem = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, killedBy) =>
      resolve(code === 0 ? '' : `${command} ended with ${killedBy ?? `code ${code}`}`),
    );
  });
  untrack?.();
  if (problem === '') return;
  const said = lastWords(logFile, logFrom);
  throw new PartFailure(part, said === '' ? problem : `${problem}: ${said}`, { logFile, mend });
}

/**
 * Runs a command to its end with its output shown; all it starts ends with us, too.
 * @param {string} command @param {readonly string[]} args @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>} its exit code; 1 when it was killed or could not be run
 */
export function runShown(command, args, { cwd, env }) {
  const child = spawn(command, [...args], { cwd, env, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  const untrack = child.pid === undefined ? undefined : track(basename(command), child.pid);
  return new Promise((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => {
      untrack?.();
      resolve(code ?? 1);
    });
  });
}

/** @param {number} leader */
function endGroup(leader) {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

/**
 * What a short command prints (both streams), or null when it cannot be run or fails.
 * @param {string} command @param {readonly string[]} args
 * @param {{ cwd?: string | undefined, env?: NodeJS.ProcessEnv | undefined, withinMs?: number }} [options]
 * @returns {Promise<string | null>}
 */
export function outputOf(command, args, { cwd, env, withinMs = 20_000 } = {}) {
  return new Promise((resolve) => {
    let text = '';
    const child = spawn(command, [...args], {
      cwd,
      env: env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: withinMs,
    });
    child.stdout.on('data', (chunk) => (text += String(chunk)));
    child.stderr.on('data', (chunk) => (text += String(chunk)));
    child.once('error', () => resolve(null));
    child.once('close', (code) => resolve(code === 0 ? text.trim() : null));
  });
}
