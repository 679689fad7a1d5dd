import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { childrenOf } from './processes.mjs';
import { secretIn } from './provision.mjs';
import { startServer } from './server.mjs';

let dir = '';
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'payflow-provision-'))));
afterEach(() => rmSync(dir, { recursive: true }));

describe('a secret', () => {
  const file = () => join(dir, 'secrets', 'one');

  it('is the same ever after, and its owner’s alone', () => {
    const made = secretIn(file(), 32);
    expect([made.length, secretIn(file(), 32)]).toEqual([43, made]);
    expect(statSync(file()).mode & 0o077).toBe(0);
    expect(readdirSync(join(dir, 'secrets'))).toEqual(['one']);
  });

  it('is made anew where nothing of it could be written the first time', () => {
    const script = `import { secretIn } from ${JSON.stringify(new URL('provision.mjs', import.meta.url).href)};
      secretIn(${JSON.stringify(file())}, 32);`;
    // As a full disk does: files can be made, and take not a byte.
    const ended = spawnSync(
      'bash',
      ['-c', 'ulimit -f 0; exec "$0" --input-type=module -e "$1"', process.execPath, script],
      { stdio: 'ignore' },
    );
    expect(ended.status).not.toBe(0);
    expect(secretIn(file(), 32)).toHaveLength(43);
  });
});

describe('a server that cannot be written down', () => {
  it('is ended: nobody would find it again', async () => {
    const before = childrenOf(process.pid);
    const runDir = join(dir, 'a-file');
    writeFileSync(runDir, '');
    const started = startServer({
      part: 'Kafka',
      name: 'kafka',
      command: process.execPath,
      args: ['-e', 'setInterval(() => {}, 1000)'],
      url: '',
      ports: {},
      logFile: join(dir, 'kafka.log'),
      runDir,
      ready: () => Promise.resolve(true),
    });
    await expect(started).rejects.toThrow(/^Kafka: cannot be written down .*(EEXIST|ENOTDIR)/);
    expect(childrenOf(process.pid).filter((pid) => !before.includes(pid))).toEqual([]);
  });
});
