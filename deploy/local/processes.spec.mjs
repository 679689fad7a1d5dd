import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { isRunning, readRecords, startTimeOf, stopRecorded, writeRecord } from './processes.mjs';

describe('recorded processes', () => {
  let runDir = '';
  let child;
  beforeEach(() => {
    runDir = mkdtempSync(join(tmpdir(), 'payflow-run-'));
    child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  });
  afterEach(() => {
    child.kill('SIGKILL');
    rmSync(runDir, { recursive: true });
  });

  const record = (more = {}) => ({
    name: 'x',
    pid: child.pid,
    startTime: startTimeOf(child.pid),
    stopSignal: 'SIGTERM',
    graceMs: 5_000,
    role: 'server',
    ...more,
  });

  it('are found again, stopped and forgotten', async () => {
    const written = record();
    writeRecord(runDir, written);
    expect(readRecords(runDir).filter(isRunning)).toHaveLength(1);
    expect(await stopRecorded(runDir)).toEqual(['x']);
    expect(isRunning(written)).toBe(false);
    expect(readdirSync(runDir)).toEqual([]);
  });

  it('are left alone when the pid has been given to another process', async () => {
    writeRecord(runDir, record({ startTime: 'an earlier boot:1' }));
    expect(await stopRecorded(runDir)).toEqual([]);
    expect(startTimeOf(child.pid)).not.toBeNull();
  });

  it('leaves the launcher itself running', async () => {
    writeRecord(runDir, record({ role: 'launcher' }));
    expect(await stopRecorded(runDir)).toEqual([]);
    expect(startTimeOf(child.pid)).not.toBeNull();
  });
});

/** Another user's life: stops what is recorded, and one that is its own, and says what came of it. */
const AS_NOBODY = `
import { spawn } from 'node:child_process';
import { isRunning, startTimeOf, stopRecorded, writeRecord } from '${new URL('./processes.mjs', import.meta.url).href}';
process.setuid(65534);
const own = spawn('sleep', ['60'], { stdio: 'ignore' });
const written = { name: 'own', pid: own.pid, startTime: startTimeOf(own.pid), stopSignal: 'SIGTERM', graceMs: 5000, role: 'server' };
writeRecord(process.env.RUN_DIR, written);
const failure = await stopRecorded(process.env.RUN_DIR).catch((error) => error);
console.log(JSON.stringify({ reason: failure.reason, mend: failure.mend, isOwnRunning: isRunning(written) }));
own.kill('SIGKILL');
`;

// Only root can become somebody else.
describe.skipIf(process.getuid?.() !== 0)('a recorded process of another user', () => {
  it('is named with who can stop it, and keeps no other running', async () => {
    const runDir = mkdtempSync(join(tmpdir(), 'payflow-run-'));
    chmodSync(runDir, 0o777);
    const foreign = spawn('sleep', ['60'], { stdio: 'ignore' });
    const startTime = startTimeOf(foreign.pid);
    const record = {
      name: 'ledger',
      pid: foreign.pid,
      startTime,
      stopSignal: 'SIGTERM',
      graceMs: 100,
      role: 'service',
    };
    writeRecord(runDir, record);
    const told = execFileSync(process.execPath, ['--input-type=module', '-e', AS_NOBODY], {
      encoding: 'utf8',
      env: { ...process.env, RUN_DIR: runDir },
    });
    expect(JSON.parse(told)).toEqual({
      reason: `ledger (pid ${foreign.pid}), started from this checkout, runs as another user`,
      mend: expect.stringContaining(`sudo kill ${foreign.pid}`),
      isOwnRunning: false,
    });
    expect(readRecords(runDir).map(({ name }) => name)).toEqual(['ledger']);
    foreign.kill('SIGKILL');
    rmSync(runDir, { recursive: true });
  });
});
