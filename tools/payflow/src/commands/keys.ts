import { fromUuid } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { Command } from 'commander';
import { withDatabase } from '../installation.js';
import { printTable } from '../output.js';

const LIST = statement(
  'cli.keys',
  `select k.tenant_id, k.id, k.livemode, k.name, k.created_at, k.revoked_at, u.last_used_at, coalesce(u.request_count, 0) as requests
   from api_keys k left join api_key_uses u using (tenant_id, livemode, id) order by u.last_used_at desc nulls last, k.id`,
);

interface KeyRow {
  tenant_id: string;
  id: string;
  [column: string]: unknown;
}

/** `payflow keys`: who may call, and who does. */
export function keysCommands(): Command {
  const keys = new Command('keys').description('API keys');
  keys
    .command('ls')
    .description('all keys: when each was last used, and how often (a few seconds behind)')
    .action(list);
  return keys;
}

async function list(): Promise<void> {
  const rows = await withDatabase('gateway', (db) => db.rows<KeyRow>(LIST));
  printTable(
    rows.map(({ tenant_id, id, ...row }) => ({
      id: fromUuid('apiKey', id),
      tenant: fromUuid('tenant', tenant_id),
      ...row,
    })),
    'there are no keys',
  );
}
