import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { PartFailure } from './failure.mjs';

/**
 * What is written down about a process we started, so that a later run can find it again.
 * `startTime` tells it from a stranger that was given the same pid.
 * @typedef {object} ProcessRecord
 * @property {string} name
 * @property {number} pid
 * @property {string} startTime
 * @property {NodeJS.Signals} stopSignal
 * @property {number} graceMs  how long it may take to stop before it is killed
 * @property {'command' | 'service' | 'server' | 'launcher'} role  services stop before the servers they use
 * @property {boolean} [group]  stop all that it started, too
 * @property {Record<string, number>} [ports]
 */

const pollMs = 50;

/**
 * An opaque text that no other process with this pid ever had or will have; null when it is gone (a zombie is gone).
 * @param {number} pid
 * @returns {string | null}
 */
export function startTimeOf(pid) {
  if (process.platform !== 'linux') return startTimeFromPs(pid);
  const stat = readStat(pid);
  return stat === null || stat.state === 'Z' ? null : `${bootId()}:${stat.startTicks}`;
}

/** @param {number} pid */
function readStat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces and parentheses itself: count the fields from its end.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0], parent: Number(fields[1]), startTicks: fields[19] };
  } catch {
    return null;
  }
}

function bootId() {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** @param {number} pid @returns {string | null} */
function startTimeFromPs(pid) {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' }).trim() || null;
  } catch {
    return null;
  }
}

/** @param {{ pid: number, startTime: string }} record @returns {boolean} */
export function isRunning(record) {
  return startTimeOf(record.pid) === record.startTime;
}

/** @param {number} parent @returns {number[]} the pids of its children that are there (a zombie is gone), by /proc; none elsewhere */
export function childrenOf(parent) {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      const stat = readStat(pid);
      return stat?.parent === parent && stat.state !== 'Z';
    });
}

/** @param {string} runDir @param {ProcessRecord} record */
export function writeRecord(runDir, record) {
  mkdirSync(runDir, { recursive: true });
  writeFileSync(recordFile(runDir, record), `${JSON.stringify(record)}\n`);
}

/** @param {string} runDir @param {{ name: string, pid: number }} record */
export function removeRecord(runDir, record) {
  rmSync(recordFile(runDir, record), { force: true });
}

/** @param {string} runDir @param {{ name: string, pid: number }} record */
function recordFile(runDir, { name, pid }) {
  return join(runDir, `${name}-${pid}.json`);
}

/** @param {string} runDir @returns {ProcessRecord[]} */
export function readRecords(runDir) {
  return listJson(runDir).flatMap((file) => {
    try {
      return [/** @type {ProcessRecord} */ (JSON.parse(readFileSync(join(runDir, file), 'utf8')))];
    } catch {
      // Half-written by a launcher that was killed: the process it was for had not been told to do anything yet.
      return [];
    }
  });
}

/** @param {string} dir @returns {string[]} */
function listJson(dir) {
  try {
    return readdirSync(dir).filter((file) => file.endsWith('.json'));
  } catch {
    return [];
  }
}

/**
 * Stops all that is recorded in a folder, servers last, and forgets it; what has ended by itself is only forgotten. What cannot be
 * stopped keeps no other running, and is told of at the end.
 * @param {string} runDir
 * @returns {Promise<string[]>} the names of those that were still running
 */
export async function stopRecorded(runDir) {
  /** @type {string[]} */
  const stopped = [];
  /** @type {unknown[]} */
  const failures = [];
  for (const role of /** @type {const} */ (['command', 'service', 'server'])) {
    const members = readRecords(runDir).filter((record) => record.role === role);
    await Promise.all(
      members.map(async (record) => {
        try {
          if ((await stopProcess(record, record.graceMs)) !== 'absent') stopped.push(record.name);
          removeRecord(runDir, record);
        } catch (error) {
          failures.push(error);
        }
      }),
    );
  }
  if (failures.length > 0) throw failures[0];
  return stopped;
}

/**
 * kill -9 for all that is recorded in a folder and its children, without waiting for any of it.
 * @param {string} runDir @returns {string[]} the names of those that were still running
 */
export function killRecorded(runDir) {
  const alive = readRecords(runDir).filter((record) => record.role !== 'launcher' && isRunning(record));
  for (const { pid, group } of alive)
    for (const each of [group === true ? -pid : pid, ...childrenOf(pid)]) killIfOurs(each);
  return alive.map(({ name }) => name);
}

/** @param {number} pid */
function killIfOurs(pid) {
  try {
    signal(pid, 'SIGKILL');
  } catch (error) {
    if (!isForbidden(error)) throw error;
  }
}

/**
 * What was started as root is nobody else's to stop.
 * @param {{ name?: string, pid: number }} record
 */
function foreign({ name = 'a process', pid }) {
  return new PartFailure('The launcher', `${name} (pid ${pid}), started from this checkout, runs as another user`, {
    mend: `sudo kill ${pid}, and then the same again; or run this as that user`,
  });
}

/**
 * Asks a recorded process to stop, insists after the grace, and returns when it is gone. A pid that now belongs to
 * another process is left alone.
 * @param {{ name?: string, pid: number, startTime: string, stopSignal: NodeJS.Signals, group?: boolean }} record
 * @param {number} graceMs
 * @returns {Promise<'absent' | 'stopped' | 'killed'>}
 */
export async function stopProcess(record, graceMs) {
  if (!isRunning(record)) return 'absent';
  try {
    signal(record.group === true ? -record.pid : record.pid, record.stopSignal);
  } catch (error) {
    throw isForbidden(error) ? foreign(record) : error;
  }
  if (await goneWithin(record, graceMs)) return 'stopped';
  await killProcess(record);
  return 'killed';
}

/**
 * kill -9, children included: PostgreSQL's backends outlive their postmaster for a moment and would hold its memory.
 * @param {{ pid: number, startTime: string }} record
 */
export async function killProcess(record) {
  if (!isRunning(record)) return;
  const family = [record.pid, ...childrenOf(record.pid)].map((pid) => ({ pid, startTime: startTimeOf(pid) ?? '' }));
  for (const { pid } of family) signal(pid, 'SIGKILL');
  const stragglers = await Promise.all(family.map((member) => goneWithin(member, 10_000)));
  if (stragglers.includes(false)) throw new Error(`process ${record.pid} did not go away after SIGKILL`);
}

/** @param {{ pid: number, startTime: string }} record @param {number} withinMs */
async function goneWithin(record, withinMs) {
  const deadline = Date.now() + withinMs;
  while (isRunning(record)) {
    if (Date.now() >= deadline) return false;
    await delay(pollMs);
  }
  return true;
}

/** @param {unknown} error @returns {boolean} whether it takes another user's rights to do this */
export function isForbidden(error) {
  return ['EPERM', 'EACCES'].includes(/** @type {NodeJS.ErrnoException} */ (error).code ?? '');
}

/** @param {number} pid @param {NodeJS.Signals} name */
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It ended between the look and the signal: that is what was wanted.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}
