import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { startTimeOf } from './local-stack.mjs';

const here = fileURLToPath(new URL('../..', import.meta.url));
const lock = (version = '1.0.0') => JSON.stringify({ packages: { 'node_modules/one': { version, integrity: 'x' } } });
/** Installs what the lock file says, as far as anybody looks. */
const npm = `
  const { cpSync, mkdirSync } = require('node:fs');
  mkdirSync('node_modules', { recursive: true });
  cpSync('package-lock.json', 'node_modules/.package-lock.json');`;

describe('packages', () => {
  let checkout = '';
  const put = (/** @type {string} */ path, /** @type {string} */ content) =>
    writeFileSync(join(checkout, path), content);
  const gone = (/** @type {string} */ path) => rmSync(join(checkout, path));
  beforeEach(() => {
    checkout = mkdtempSync(join(tmpdir(), 'payflow-packages-'));
    const isSource = (/** @type {string} */ path) =>
      !path.includes(`${sep}dist`) && !path.includes(`${sep}node_modules`);
    for (const part of [join('tools', 'launcher'), join('deploy', 'local')])
      cpSync(join(here, part), join(checkout, part), { recursive: true, filter: isSource });
    mkdirSync(join(checkout, 'node_modules'));
    put('package-lock.json', lock());
    put('npm.js', npm);
  });
  afterEach(() => rmSync(checkout, { recursive: true }));

  const script = `import { ensurePackages } from './tools/launcher/packages.mjs';
    process.stdout.write(await ensurePackages(() => {}));`;
  const args = ['--input-type=module', '-e', script];
  const options = () => ({
    cwd: checkout,
    encoding: /** @type {const} */ ('utf8'),
    env: { ...process.env, npm_execpath: join(checkout, 'npm.js'), npm_node_execpath: process.execPath },
  });
  /** As the launcher of the checkout has it. */
  const ensured = () => execFileSync(process.execPath, args, options());
  const ensuredBeside = () => promisify(execFile)(process.execPath, args, options());

  it('are installed once for a lock file, and again for another', () => {
    expect([ensured(), ensured()]).toEqual(['installed', 'present']);
    put('package-lock.json', lock('2.0.0'));
    expect([ensured(), ensured()]).toEqual(['installed', 'present']);
  }, 30_000);

  it('are installed once where two runs want them', async () => {
    put('npm.js', `require('node:fs').appendFileSync('installs', '.'); setTimeout(() => { ${npm} }, 300);`);
    const [one, other] = await Promise.all([ensuredBeside(), ensuredBeside()]);
    expect([one.stdout, other.stdout].toSorted()).toEqual(['installed', 'present']);
    expect(readFileSync(join(checkout, 'installs'), 'utf8')).toBe('.');
  });

  it('are installed where who did before was killed', async () => {
    mkdirSync(join(checkout, '.payflow'));
    put(join('.payflow', 'installer.json'), JSON.stringify({ pid: process.pid, startTime: 'of another' }));
    expect(ensured()).toBe('installed');
  });

  it('are not taken away from services that run', () => {
    expect(ensured()).toBe('installed');
    const launcher = { name: 'launcher', pid: process.pid, startTime: startTimeOf(process.pid), role: 'launcher' };
    mkdirSync(join(checkout, '.payflow', 'run'), { recursive: true });
    put(join('.payflow', 'run', `launcher-${process.pid}.json`), JSON.stringify(launcher));
    expect(ensured()).toBe('present');
    put('package-lock.json', lock('2.0.0'));
    expect(ensured).toThrow(`PayFlow runs from these packages (pid ${process.pid})`);
  });

  it('are taken as they are where somebody ran npm by hand', () => {
    put(join('node_modules', '.package-lock.json'), lock());
    expect(ensured()).toBe('present');
  });

  it('are installed anew where an npm by hand was stopped half-way, or installed less', () => {
    expect(ensured()).toBe('installed');
    gone(join('node_modules', '.package-lock.json'));
    expect(ensured()).toBe('installed');
    put(join('node_modules', '.package-lock.json'), '{"packages":{}}');
    expect([ensured(), ensured()]).toEqual(['installed', 'present']);
  }, 30_000);
});
