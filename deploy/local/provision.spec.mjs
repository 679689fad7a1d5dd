import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { findJava } from './kafka/index.mjs';
import { reachableHome, removeServerFolder } from './postgres/user.mjs';
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

describe('a server whose port another listens on', () => {
  it('is not started: the other would answer that it is ready', async () => {
    const other = createServer();
    await new Promise((done) => other.listen(0, '127.0.0.1', done));
    const { port } = other.address();
    const logFile = join(dir, 'gateway.log');
    const started = startServer({
      part: 'gateway',
      name: 'gateway',
      command: process.execPath,
      args: ['-e', 'setInterval(() => {}, 1000)'],
      url: '',
      ports: { http: port },
      logFile,
      runDir: dir,
      ready: () => Promise.resolve(true),
    });
    await expect(started).rejects.toThrow(`gateway: its port is taken by somebody else (${port})`);
    expect(existsSync(logFile)).toBe(false);
    other.close();
  });
});

// Only root's PostgreSQL is another user's, who may not get to the checkout.
describe.skipIf(process.getuid?.() !== 0)('files of PostgreSQL that live elsewhere', () => {
  it('begin anew with the folder that remembers them: the password is in there', () => {
    const kept = join(dir, 'postgres');
    mkdirSync(kept, { mode: 0o700 });
    const home = reachableHome(kept, { uid: 65_534, gid: 65_534 });
    mkdirSync(join(home, 'data'), { recursive: true });
    expect(reachableHome(kept, { uid: 65_534, gid: 65_534 })).toBe(home);
    expect(existsSync(join(home, 'data'))).toBe(true);
    rmSync(kept, { recursive: true });
    mkdirSync(kept);
    expect(reachableHome(kept, { uid: 65_534, gid: 65_534 })).toBe(home);
    expect(existsSync(join(home, 'data'))).toBe(false);
    removeServerFolder(kept);
  });
});

describe('the Java that Kafka runs on', () => {
  const java = (/** @type {string} */ name, /** @type {string} */ version) => {
    const bin = join(dir, name, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'java'), `#!/bin/sh\necho 'openjdk version "${version}" 2024-01-01'\n`, { mode: 0o755 });
    return bin;
  };
  afterEach(() => vi.unstubAllEnvs());

  it('is the first that is new enough, of JAVA_HOME and the PATH', async () => {
    vi.stubEnv('JAVA_HOME', dirname(java('old', '1.8.0_402')));
    vi.stubEnv('PATH', `${java('new', '21.0.2')}:${process.env['PATH']}`);
    expect(await findJava()).toEqual({ path: join(dir, 'new', 'bin', 'java'), version: '21.0.2', isTooOld: false });
    vi.stubEnv('PATH', java('older', '11.0.1'));
    expect(await findJava()).toMatchObject({ path: join(dir, 'old', 'bin', 'java'), isTooOld: true });
    vi.stubEnv('JAVA_HOME', undefined);
    vi.stubEnv('PATH', dir);
    expect(await findJava()).toBe(null);
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
