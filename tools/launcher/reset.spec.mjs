import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const here = fileURLToPath(new URL('../..', import.meta.url));

describe('npm run reset', () => {
  let checkout = '';
  let elsewhere = '';
  const put = (/** @type {string} */ path, content = '') => {
    mkdirSync(dirname(join(checkout, path)), { recursive: true });
    writeFileSync(join(checkout, path), content);
  };
  beforeEach(() => {
    checkout = mkdtempSync(join(tmpdir(), 'payflow-reset-'));
    elsewhere = mkdtempSync(join(tmpdir(), 'payflow-elsewhere-'));
    const isSource = (/** @type {string} */ path) => !path.includes(`${sep}dist`);
    for (const part of [join('tools', 'launcher'), join('deploy', 'local')])
      cpSync(join(here, part), join(checkout, part), { recursive: true, filter: isSource });
    // What a start leaves: folders of servers, one of which is elsewhere, and files beside them.
    put('.payflow/database-passwords.json', '{}');
    put('.payflow/first-owner.json', '{}');
    put('.payflow/kafka/data/meta.properties');
    put('.payflow/postgres/elsewhere.json', JSON.stringify({ home: elsewhere }));
    put('.payflow/cache/kafka/one.jar');
  });
  afterEach(() => {
    for (const dir of [checkout, elsewhere]) rmSync(dir, { recursive: true, force: true });
  });

  const reset = (/** @type {string[]} */ ...words) =>
    execFileSync(process.execPath, [join(checkout, 'tools', 'launcher', 'reset.mjs'), ...words], { encoding: 'utf8' });

  it('forgets all that a start has left, wherever it is, but for the downloads', () => {
    expect(reset()).toContain('.payflow/first-owner.json');
    expect(readdirSync(join(checkout, '.payflow'))).toEqual(['cache']);
    expect(existsSync(elsewhere)).toBe(false);
  });

  it('forgets the downloads where that is asked for', () => {
    reset('--all');
    expect(existsSync(join(checkout, '.payflow'))).toBe(false);
  });
});
