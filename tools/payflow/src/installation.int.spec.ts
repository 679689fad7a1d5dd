import { linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVICES } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { testServers } from '@payflow/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { databasePasswords, readerUrl, withDatabases } from './installation.js';

const before = process.cwd();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'payflow-installation-'));
  process.chdir(folder);
  vi.stubEnv('PAYFLOW_STATE_DIR', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

describe('passwords of roles', () => {
  it('are the same at the next set-up, where no folder was made for them and none are given', () => {
    const made = databasePasswords();
    expect(databasePasswords()).toEqual(made);
    expect(statSync('.payflow/database-passwords.json').mode & 0o077).toBe(0);
  });

  it('are kept whole or as they were, whatever ends a later set-up', () => {
    const made = databasePasswords();
    // Another name for the very file: what is cut off for being written anew is cut off under this one, too.
    linkSync('.payflow/database-passwords.json', 'as-it-was.json');
    vi.stubEnv('PAYFLOW_LEDGER_DB_PASSWORD', 'another');
    expect(databasePasswords().ledger.service).toBe('another');
    expect(JSON.parse(readFileSync('as-it-was.json', 'utf8'))).toEqual(made);
    expect(readdirSync('.payflow')).toEqual(['database-passwords.json']);
  });

  it('are none where a variable is empty, as compose passes unset ones on', () => {
    vi.stubEnv('PAYFLOW_STATE_DIR', '');
    vi.stubEnv('PAYFLOW_LEDGER_DB_PASSWORD', '');
    const made = databasePasswords();
    expect(made.ledger.service).toHaveLength(32);
    expect(databasePasswords()).toEqual(made);
  });

  it('are kept nowhere where all of them are given', () => {
    for (const service of SERVICES)
      for (const role of ['MIGRATOR_', '', 'READER_'])
        vi.stubEnv(`PAYFLOW_${service.toUpperCase()}_DB_${role}PASSWORD`, `${role}${service}`);
    expect(databasePasswords().ledger).toEqual({
      migrator: 'MIGRATOR_ledger',
      service: 'ledger',
      reader: 'READER_ledger',
    });
    expect(() => statSync('.payflow')).toThrow('ENOENT');
  });
});

it('who only looks has a URL that is none where it is empty', () => {
  vi.stubEnv('LEDGER_READER_DATABASE_URL', '');
  vi.stubEnv('LEDGER_DATABASE_URL', 'postgres://ledger@there/ledger');
  expect(readerUrl('ledger')).toBe('postgres://ledger@there/ledger');
});

it('a command that asks for more at once than it has connections waits for its turn, for longer than a request would', async () => {
  const slow = statement('spec.slow', 'select pg_sleep(0.9)');
  const asked = withDatabases(
    ['ledger'],
    () => testServers().postgres,
    async (dbs) => Promise.all([1, 2, 3].map(() => dbs.get('ledger')?.rows(slow))),
  );
  expect(await asked).toHaveLength(3);
});
