import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { hashApiKey } from '@payflow/gateway/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, afterEach, beforeEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { MIGRATIONS, withDatabase } from '../installation.js';
import { findHost } from './demo-host.js';
import { bootstrapCommand, organisationsCommands } from './organisations.js';

const COUNTS = statement(
  'spec.beginnings',
  `select (select count(*) from tenants)::integer as tenants, (select count(*) from users)::integer as users,
     (select count(*) from api_keys)::integer as keys`,
);
const KEY = statement('spec.key', 'select tenant_id, livemode from api_keys where key_hash = $1');
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

let printed: string;

/** What the command prints, as the object that it is. */
async function run(command: 'bootstrap' | 'add', ...words: readonly string[]): Promise<Record<string, string>> {
  printed = '';
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
    const keys = await db.database.rows(KEY, [hashApiKey(told['apiKey'] ?? '')]);
    expect(keys).toEqual([{ tenant_id: uuidOf('tenant', told['organisation'] ?? ''), livemode: false }]);
    const file = join(state, 'first-owner.json');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ password: told['password'] });
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it('makes nothing where password and key cannot be remembered, and all the next time', async () => {
    const file = join(state, 'no-folder');
    writeFileSync(file, '');
    vi.stubEnv('PAYFLOW_STATE_DIR', join(file, 'state'));
    await expect(run('bootstrap', ...ACME)).rejects.toThrow(/ENOTDIR|EEXIST/);
    vi.unstubAllEnvs();
    expect([printed, await counts()]).toEqual(['', { tenants: 0, users: 0, keys: 0 }]);
    const told = await run('bootstrap', ...ACME);
    expect(await db.database.rows(KEY, [hashApiKey(told['apiKey'] ?? '')])).toHaveLength(1);
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

describe('the demonstration', () => {
  const host = () => withDatabase('gateway', findHost);

  it('is the first owner’s, for as long as he is remembered, and nobody’s whom it does not know', async () => {
    const first = await host();
    expect(first.owner).toMatchObject({ email: 'owner@demo.example', apiKey: first.apiKey });
    expect(await host()).toEqual(first);
    await db.tamper('update api_keys set revoked_at = now()');
    const renewed = await host();
    expect([renewed.owner, renewed.apiKey === first.apiKey]).toEqual([first.owner, false]);
    expect(await counts()).toEqual({ tenants: 1, users: 1, keys: 2 });
    rmSync(join(state, 'first-owner.json'));
    expect((await host()).owner).toBeUndefined();
    expect(await counts()).toEqual({ tenants: 2, users: 1, keys: 3 });
  });

  it('begins nothing that cannot be remembered: its password is told only once a payment is through', async () => {
    const file = join(state, 'a-file');
    writeFileSync(file, '');
    vi.stubEnv('PAYFLOW_STATE_DIR', join(file, 'state'));
    await expect(host()).rejects.toThrow(/ENOTDIR|EEXIST/);
    vi.unstubAllEnvs();
    expect(await counts()).toEqual({ tenants: 0, users: 0, keys: 0 });
    expect((await host()).owner).toMatchObject({ email: 'owner@demo.example' });
  });

  it('remembers its owner where no folder was made for it, too', async () => {
    const before = process.cwd();
    const elsewhere = mkdtempSync(join(state, 'elsewhere-'));
    process.chdir(elsewhere);
    vi.stubEnv('PAYFLOW_STATE_DIR', undefined);
    const { owner } = await host().finally(() => {
      process.chdir(before);
      vi.unstubAllEnvs();
    });
    const kept = join(elsewhere, '.payflow', 'first-owner.json');
    expect(JSON.parse(readFileSync(kept, 'utf8'))).toEqual(owner);
    expect(statSync(kept).mode & 0o077).toBe(0);
  });

  it('leaves an organisation alone that somebody else has begun', async () => {
    const told = await run('bootstrap', ...ACME);
    rmSync(join(state, 'first-owner.json'));
    const { owner, apiKey } = await host();
    expect([owner, apiKey === told['apiKey']]).toEqual([undefined, false]);
    expect(await counts()).toEqual({ tenants: 2, users: 1, keys: 2 });
  });
});
