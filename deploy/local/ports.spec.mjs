import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { isPortFree } from './ports.mjs';

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

describe('freePorts', () => {
  const PROCESSES = 4;
  const PORTS = 20;
  /** Whoever asks begins at the same one; it is a few from the end. */
  const FIRST = 31_990;
  const ASK = `
    import { freePorts } from ${JSON.stringify(new URL('./ports.mjs', import.meta.url).href)};
    console.log(JSON.stringify(await freePorts(${PORTS}, ${FIRST})));
    setInterval(() => {}, 1000);
  `;
  let dir = '';
  const children = [];
  /** What a process of its own is told, which then stays. */
  const told = () => {
    const env = { ...process.env, TMPDIR: dir };
    const child = spawn(process.execPath, ['--input-type=module', '-e', ASK], { env });
    children.push(child);
    return once(child.stdout, 'data').then(([line]) => JSON.parse(String(line)));
  };
  const endAll = () =>
    Promise.all(
      children.splice(0).map(async (child) => {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }),
    );
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'payflow-ports-'));
  });
  afterEach(async () => {
    await endAll();
    rmSync(dir, { recursive: true });
  });

  it('gives no port to two processes, and none that clients are given', async () => {
    const given = (await Promise.all(Array.from({ length: PROCESSES }, told))).flat();
    expect(new Set(given).size).toBe(PROCESSES * PORTS);
    expect(Math.max(...given)).toBeLessThan(32_768);
  });

  it('gives those of a process that was killed to who asks later', async () => {
    const taken = await told();
    await endAll();
    // The first who finds a dead one's claim takes it away, and does without.
    await told();
    await endAll();
    expect((await told()).filter((port) => taken.includes(port))).not.toEqual([]);
  });
});
