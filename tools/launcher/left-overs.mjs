import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { paths } from './checkout.mjs';
import {
  PartFailure,
  isForbidden,
  isRunning,
  readRecords,
  removeRecord,
  removeServerFolder,
  startTimeOf,
  stopProcess,
  stopRecorded,
  writeRecord,
} from './local-stack.mjs';
import { shown } from './screen.mjs';

const launcherGraceMs = 40_000;

/** @param {string} runDir @returns {import('./local-stack.mjs').ProcessRecord | undefined} another launcher that is alive */
export function otherLauncher(runDir) {
  return readRecords(runDir).find(
    (record) => record.role === 'launcher' && record.pid !== process.pid && isRunning(record),
  );
}

/** @param {string} runDir  writes this launcher down, so that a second one stays away */
export function registerLauncher(runDir) {
  const startTime = startTimeOf(process.pid) ?? '';
  try {
    writeRecord(runDir, {
      name: 'launcher',
      pid: process.pid,
      startTime,
      stopSignal: 'SIGTERM',
      graceMs: launcherGraceMs,
      role: 'launcher',
    });
  } catch (error) {
    if (!isForbidden(error)) throw error;
    throw new PartFailure('The launcher', `${shown(paths.state)} belongs to another user, who has run this checkout`, {
      mend: `run this as that user, or: sudo chown -R "$(id -un)" ${shown(paths.state)}`,
    });
  }
}

/** @param {string} runDir */
export function unregisterLauncher(runDir) {
  removeRecord(runDir, { name: 'launcher', pid: process.pid });
}

/**
 * Takes this checkout for one launcher, and stops what a killed one left behind. A pid that has since been given to
 * another process is left alone.
 * @returns {Promise<string[]>} the names of what was stopped
 */
export async function takeOver() {
  // Written down before looking: of two that start at once, neither may miss the other.
  registerLauncher(paths.run);
  const other = otherLauncher(paths.run);
  if (other !== undefined) {
    unregisterLauncher(paths.run);
    throw new PartFailure('The launcher', `PayFlow already runs from this checkout (pid ${other.pid})`, {
      mend: `press Ctrl-C there, or: kill ${other.pid}, and wait for it to drain`,
    });
  }
  const dead = readRecords(paths.run).filter(({ role, pid }) => role === 'launcher' && pid !== process.pid);
  for (const record of dead) removeRecord(paths.run, record);
  return [...(await stopRecorded(paths.run)), ...(await sweepTestRuns())];
}

/** Stops and removes the servers of test runs whose launcher is gone. */
export async function sweepTestRuns() {
  const stopped = [];
  for (const name of existsSync(paths.tests) ? readdirSync(paths.tests) : []) {
    const dir = join(paths.tests, name);
    const runDir = join(dir, 'run');
    if (otherLauncher(runDir) !== undefined || name === String(process.pid)) continue;
    stopped.push(...(await stopRecorded(runDir)).map((server) => `${server} of a test run`));
    removeServerFolder(dir);
  }
  return stopped;
}

/** Asks a running launcher of this checkout to drain and end, and waits for it. */
export async function stopOtherLauncher() {
  const other = otherLauncher(paths.run);
  if (other === undefined) return false;
  await stopProcess(other, other.graceMs);
  return true;
}
