import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

import { startTimeOf, writeRecord } from './local-stack.mjs';

const closing = fileURLToPath(new URL('closing.mjs', import.meta.url));

/** Says that it closes, and writes a file once all is stopped. */
const launcher = (/** @type {string} */ dir) => `
  import { writeFileSync } from 'node:fs';
  import { createClosing } from ${JSON.stringify(closing)};
  const say = (line) => process.stdout.write(line + "\\n");
  const after = () => new Promise((done) => setTimeout(done, 50)).then(() => writeFileSync(${JSON.stringify(join(dir, 'stopped'))}, ''));
  createClosing({ runDir: ${JSON.stringify(dir)}, say, after });
  setInterval(() => {}, 1000);
  say('up');`;

it.each(['SIGINT', 'SIGHUP'])(
  'stops what was started at %s, though nobody reads any more what it says',
  async (signal) => {
    const dir = mkdtempSync(join(tmpdir(), 'payflow-closing-'));
    const child = spawn(process.execPath, ['--input-type=module', '-e', launcher(dir)], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, npm_lifecycle_event: undefined },
    });
    try {
      await once(child.stdout, 'data');
      child.stdout.destroy();
      child.kill(/** @type {NodeJS.Signals} */ (signal));
      expect(await once(child, 'exit')).toEqual([0, null]);
      expect(existsSync(join(dir, 'stopped'))).toBe(true);
    } finally {
      child.kill('SIGKILL');
      rmSync(dir, { recursive: true });
    }
  },
);

it('kills at the second signal, later on, what does not stop', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'payflow-closing-'));
  const server = spawn(process.execPath, [
    '-e',
    "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log()",
  ]);
  const child = spawn(process.execPath, ['--input-type=module', '-e', launcher(dir)], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, npm_lifecycle_event: undefined },
  });
  try {
    await Promise.all([once(server.stdout, 'data'), once(child.stdout, 'data')]);
    const { pid } = server;
    writeRecord(dir, {
      name: 'kafka',
      pid,
      startTime: startTimeOf(pid),
      stopSignal: 'SIGTERM',
      graceMs: 60_000,
      role: 'server',
    });
    let said = '';
    child.stdout.on('data', (text) => (said += text));
    const ended = once(child, 'exit');
    // As often as an impatient user presses it: those within a moment of the first are one.
    const presses = setInterval(() => child.kill('SIGINT'), 200);
    expect(await ended).toEqual([1, null]);
    clearInterval(presses);
    expect(said).toContain('Killed: kafka.');
    if (server.signalCode === null) await once(server, 'exit');
    expect(server.signalCode).toBe('SIGKILL');
  } finally {
    for (const each of [child, server]) each.kill('SIGKILL');
    rmSync(dir, { recursive: true });
  }
});
