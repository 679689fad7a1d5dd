import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeServerFolder, startPostgres, type Server } from '@payflow/local-stack';
import { testServers, uniqueSuffix } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dropProvisioned, provisionDatabase } from '../provision.js';

const PASSWORDS = { migrator: 'migrator-password', service: 'service-password', reader: 'reader-password' };

async function onClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return work(client).finally(() => client.end());
}

describe('statistics of statements', () => {
  it('are there for the service after setting up, and show it nobody else’s statements', async () => {
    const prefix = `test_${uniqueSuffix()}`;
    const { postgres } = testServers();
    const made = await provisionDatabase(postgres, 'ledger', PASSWORDS, prefix);
    expect(made.uncounted).toBeUndefined();
    await onClient(made.ownerUrl, (client) => client.query("select 'of the migrator'"));
    const texts = await onClient(made.url, async (client) => {
      await client.query("select 'of the service' as mine");
      const { rows } = await client.query<{ query: string }>('select query from statistics.pg_stat_statements');
      return rows.map(({ query }) => query);
    });
    expect(texts).toContain('select $1 as mine');
    expect(texts.filter((text) => text.includes('migrator') || text.includes('password'))).toEqual([]);
    await dropProvisioned(postgres, `${prefix}_ledger`);
  });

  it('that a superuser has made are taken as they are by an admin who is none', async () => {
    const name = `test_${uniqueSuffix()}`;
    const { postgres } = testServers();
    await onClient(postgres, (client) =>
      client.query(`create role ${name} login createdb createrole password 'limited'`),
    );
    const limited = Object.assign(new URL(postgres), { username: name, password: 'limited' }).toString();
    const first = await provisionDatabase(limited, 'ledger', PASSWORDS, name);
    expect(first.uncounted).toMatch(/may not create the extension/);
    await onClient(Object.assign(new URL(postgres), { pathname: `/${name}_ledger` }).toString(), (client) =>
      client.query(
        'create schema statistics; grant usage on schema statistics to public; create extension pg_stat_statements schema statistics',
      ),
    );
    expect((await provisionDatabase(limited, 'ledger', PASSWORDS, name)).uncounted).toBeUndefined();
    await dropProvisioned(postgres, `${name}_ledger`);
    await onClient(postgres, (client) => client.query(`drop role ${name}`));
  });

  describe('on a server that was not told to count', () => {
    const dir = mkdtempSync(join(tmpdir(), 'payflow-uncounted-'));
    let server: Server;
    beforeAll(async () => {
      const settings = { shared_preload_libraries: '' };
      server = await startPostgres({ dir: join(dir, 'postgres'), profile: 'test', settings });
    });
    afterAll(async () => {
      await server.stop();
      removeServerFolder(join(dir, 'postgres'));
      rmSync(dir, { recursive: true, force: true });
    });

    it('are missed with the reason, and everything else is set up', async () => {
      const made = await provisionDatabase(server.url, 'ledger', PASSWORDS);
      expect(made.uncounted).toBe("the server was started without shared_preload_libraries = 'pg_stat_statements'");
      const { rows } = await onClient(made.url, (client) => client.query('select 1 as one'));
      expect(rows).toEqual([{ one: 1 }]);
    });

    it('are missed with the reason by an admin who may not make extensions', async () => {
      await onClient(server.url, (client) =>
        client.query("create role limited login createdb createrole password 'limited'"),
      );
      const url = Object.assign(new URL(server.url), { username: 'limited', password: 'limited' }).toString();
      const { uncounted } = await provisionDatabase(url, 'payments', PASSWORDS);
      expect(uncounted).toMatch(/may not create the extension pg_stat_statements/);
    });
  });
});
