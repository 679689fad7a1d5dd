import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { statement } from '@payflow/database';
import { findApiKey, hashApiKey } from '@payflow/gateway/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, afterEach, beforeEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { MIGRATIONS } from '../installation.js';
import { bootstrapCommand, organisationsCommands } from './organisations.js';

const COUNTS = statement(
  'spec.beginnings',
  `select (select count(*) from tenants)::integer as tenants, (select count(*) from users)::integer as users,
     (select count(*) from api_keys)::integer as keys`,
);
const OWNERS = statement('spec.owners', 'select email, role, password_hash from users order by created_at');

let state: string;
let db: TestDatabase;
beforeAll(() => {
  state = mkdtempSync(join(tmpdir(), 'payflow-bootstrap-'));
  process.env['PAYFLOW_STATE_DIR'] = state;
});
beforeEach(async () => {
  db = await createTestDatabase('gateway', MIGRATIONS.gateway, 2);
  process.env['GATEWAY_DATABASE_URL'] = db.url;
});
afterEach(async () => {
  vi.restoreAllMocks();
  await db.drop();
});
afterAll(() => {
  delete process.env['GATEWAY_DATABASE_URL'];
  delete process.env['PAYFLOW_STATE_DIR'];
  rmSync(state, { recursive: true, force: true });
});

/** What the command prints, as the object that it is. */
async function run(command: 'bootstrap' | 'add', ...words: readonly string[]): Promise<Record<string, string>> {
  let printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  if (command === 'bootstrap') await bootstrapCommand().parseAsync([...words], { from: 'user' });
  else await organisationsCommands().parseAsync(['add', ...words], { from: 'user' });
  return JSON.parse(printed) as Record<string, string>;
}

const ACME = ['--name', 'Acme', '--email', 'Ada@Acme.example'];
const counts = async () => (await db.database.rows(COUNTS))[0];

describe('payflow bootstrap', () => {
  it('makes the first organisation, its owner and a key, and tells of them once', async () => {
    const told = await run('bootstrap', ...ACME);
    expect(told).toMatchObject({ email: 'ada@acme.example', apiKey: expect.stringMatching(/^sk_test_/) as string });
    expect(told['password']).toHaveLength(24);
    expect(await db.database.rows(OWNERS)).toMatchObject([
      { email: 'ada@acme.example', role: 'owner', password_hash: expect.stringMatching(/^\$argon2id\$/) as string },
    ]);
    expect(await counts()).toEqual({ tenants: 1, users: 1, keys: 1 });
    const key = await findApiKey(db.database, hashApiKey(told['apiKey'] ?? ''));
    expect(key).toMatchObject({ tenant: told['organisation'], livemode: false });
    const file = join(state, 'first-owner.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ password: told['password'] });
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it('works once, and leaves nothing the second time', async () => {
    const first = await run('bootstrap', ...ACME);
    await expect(run('bootstrap', '--name', 'Other', '--email', 'o@other.example')).rejects.toThrow(
      `its first organisation, ${first['organisation']}`,
    );
    expect(await counts()).toEqual({ tenants: 1, users: 1, keys: 1 });
  });

  it('works once, when five are run at the same moment', async () => {
    const all = await Promise.allSettled(Array.from({ length: 5 }, () => run('bootstrap', ...ACME)));
    // What is printed is mixed up by all five: what counts is what stands.
    expect(all.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(4);
    expect(await counts()).toEqual({ tenants: 1, users: 1, keys: 1 });
  });

  it('takes a password from a file and does not say it', async () => {
    const file = join(state, 'password');
    writeFileSync(file, 'correct horse battery\n');
    const told = await run('bootstrap', ...ACME, '--password-file', file);
    expect(JSON.stringify(told)).not.toContain('correct horse');
    expect(existsSync(file)).toBe(true);
  });

  it.each([
    [['--name', ' ', '--email', 'a@b.example'], 'a name'],
    [['--name', 'Acme', '--email', 'ada'], 'an e-mail address'],
  ])('refuses %j and makes nothing', async (words, problem) => {
    await expect(run('bootstrap', ...words)).rejects.toThrow(problem);
    expect(await counts()).toEqual({ tenants: 0, users: 0, keys: 0 });
  });
});

it('payflow organisations add makes one more each time', async () => {
  await run('bootstrap', ...ACME);
  const [one, other] = [await run('add', ...ACME), await run('add', ...ACME)];
  expect(one['organisation']).not.toBe(other['organisation']);
  expect(await counts()).toEqual({ tenants: 3, users: 3, keys: 3 });
});
