import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates, removeServerFolder, startSecuredPostgres, type Server } from '@payflow/local-stack';
import { testServers, trustAuthority, uniqueSuffix } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from './database.js';
import { SqlMigration, runMigrations } from './migration.js';
import { provisionDatabase } from './provision.js';
import { statement } from './statement.js';

const TLS = statement('spec.tls', 'select ssl, version from pg_stat_ssl where pid = pg_backend_pid()');
const PASSWORDS = { migrator: 'migrator:p@ss/word', service: 'service:p@ss/word', reader: 'reader:p@ss/word' };

class Table1763700009000 extends SqlMigration {
  readonly sql = 'create table things (id integer);';
}

const withMode = (url: string, mode: string) => `${url}?sslmode=${mode}`;

async function tlsOf(url: string): Promise<unknown> {
  const db = await openDatabase({ url, poolSize: 1, applicationName: 'spec' });
  try {
    return (await db.rows(TLS))[0];
  } finally {
    await db.close();
  }
}

describe('a database behind TLS', () => {
  const dir = mkdtempSync(join(tmpdir(), 'payflow-secured-'));
  let server: Server;
  let authority: string;
  let distrust: () => void = () => undefined;

  beforeAll(async () => {
    const certificates = await makeCertificates(join(dir, 'certificates'));
    ({ authority } = certificates);
    server = await startSecuredPostgres({ dir: join(dir, 'postgres'), certificates });
  });
  afterEach(() => distrust());
  afterAll(async () => {
    await server.stop();
    removeServerFolder(join(dir, 'postgres'));
    rmSync(dir, { recursive: true, force: true });
  });

  it('is set up, migrated and used over TLS by the URL alone, passwords with any character included', async () => {
    distrust = trustAuthority(authority);
    const { url, ownerUrl } = await provisionDatabase(withMode(server.url, 'verify-full'), 'ledger', PASSWORDS);
    expect(await runMigrations(ownerUrl, [Table1763700009000])).toEqual(['Table1763700009000']);
    expect(await tlsOf(url)).toEqual({ ssl: true, version: 'TLSv1.3' });
  });

  it('is reached by name as well as by address', async () => {
    distrust = trustAuthority(authority);
    const byName = withMode(server.url.replace('127.0.0.1', 'localhost'), 'verify-full');
    expect(await tlsOf(byName)).toMatchObject({ ssl: true });
  });

  it('is trusted by the authority that the URL names', async () => {
    expect(await tlsOf(`${withMode(server.url, 'verify-full')}&sslrootcert=${authority}`)).toMatchObject({ ssl: true });
  });

  it.each(['verify-full', 'require'])(
    'is not spoken to under an authority that nobody trusts: sslmode=%s',
    async (mode) => {
      await expect(tlsOf(withMode(server.url, mode))).rejects.toThrow(/unable to verify the first certificate/);
    },
  );

  it('refuses a wrong password at once, and says so', async () => {
    distrust = trustAuthority(authority);
    const wrong = Object.assign(new URL(withMode(server.url, 'verify-full')), { password: uniqueSuffix() }).toString();
    await expect(tlsOf(wrong)).rejects.toThrow('password authentication failed for user "postgres"');
  });

  it('is not spoken to in the open where it has no TLS and the URL asks for it', async () => {
    await expect(tlsOf(withMode(testServers().postgres, 'verify-full'))).rejects.toThrow(
      'The server does not support SSL connections',
    );
  });
});
