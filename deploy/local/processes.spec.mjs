import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { isPortFree } from './ports.mjs';
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

describe('isPortFree', () => {
  it.each(['127.0.0.1', '0.0.0.0', '::'])('sees a listener on %s', async (host) => {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, host, resolve));
    const { port } = server.address();
    expect(await isPortFree(port)).toBe(false);
    await new Promise((resolve) => server.close(resolve));
    expect(await isPortFree(port)).toBe(true);
  });
});
