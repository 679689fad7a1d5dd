import { readFileSync } from 'node:fs';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { noteDecision } from '@payflow/messaging';
import { TOO_MANY_ROUTES, findRoute, listRoutes, putRoute, readRoute, removeRoute } from '@payflow/payments/database';
import { Command, InvalidArgumentError } from 'commander';
import { parseWords } from '../arguments.js';
import { migratorUrl, withDatabases } from '../installation.js';
import { printTable } from '../output.js';

interface Scope {
  readonly tenant?: string;
  readonly live?: boolean;
}

interface Decider {
  readonly actor: string;
  readonly reason: string;
}

/** `payflow routes`: which connectors payments are sent to, and in which order. */
export function routesCommands(): Command {
  const routes = new Command('routes').description('which connectors payments are sent to, and in which order');
  routes.command('ls').description('all of them, in the order in which they are looked at').action(list);
  scoped(routes.command('put'))
    .argument('<file>', 'the route as JSON (docs/payments/routing.md), or - for standard input')
    .requiredOption('--actor <who>', 'who decides', parseWords)
    .requiredOption('--reason <why>', 'why', parseWords)
    .description('define a route, or define the one of its name anew; it holds within seconds')
    .action(put);
  scoped(routes.command('rm'))
    .argument('<name>')
    .requiredOption('--actor <who>', 'who decides', parseWords)
    .requiredOption('--reason <why>', 'why', parseWords)
    .description('payments are no longer routed by it, within seconds')
    .action(remove);
  return routes;
}

function scoped(command: Command): Command {
  return command
    .option('--tenant <org>', 'the organisation whose payments it is for; without it, those of all', parseTenant)
    .option('--live', 'for payments of the live mode; without it, of the test mode');
}

function parseTenant(text: string): string {
  if (toUuid('tenant', text) === undefined) throw new InvalidArgumentError('the id of an organisation, org_…');
  return text;
}

async function list(): Promise<void> {
  const routes = await withRoutes(listRoutes);
  printTable(
    routes.map(({ tenant, livemode, name, priority, match, targets, prefer }) => ({
      tenant: tenant ?? 'all',
      mode: livemode ? 'live' : 'test',
      priority,
      name,
      match: JSON.stringify(Object.fromEntries(Object.entries(match).filter(([, value]) => value !== null))),
      prefer,
      targets: targets.map(({ connector, weight }) => `${connector}:${weight}`).join(' '),
    })),
    'there are no routes: every connector that can do it is tried, in the order of the registry',
  );
}

async function put(file: string, { actor, reason, ...scope }: Scope & Decider): Promise<void> {
  const read = readRoute(JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8')));
  if ('faults' in read) throw new Error(`the route is not defined:\n  ${read.faults.join('\n  ')}`);
  const after = { ...read, ...ownerOf(scope) };
  const before = await withRoutes((db) =>
    db.transaction(async (tx) => {
      const replaced = await findRoute(tx, after);
      if (!(await putRoute(tx, after, actor))) throw new Error(TOO_MANY_ROUTES);
      // As it was, too: it can be defined again.
      const details = { before: replaced ?? null, after };
      await noteDecision(tx, { decision: 'route_put', details, actor, reason });
      return replaced;
    }),
  );
  const { tenant, livemode, name } = after;
  const whose = `of ${tenant ?? 'all organisations'}, ${livemode ? 'live' : 'test'} mode`;
  process.stdout.write(`${name} ${before ? 'was defined anew' : 'is defined'}, ${whose} (${actor}: ${reason})\n`);
}

async function remove(name: string, { actor, reason, ...scope }: Scope & Decider): Promise<void> {
  await withRoutes((db) =>
    db.transaction(async (tx) => {
      const route = await removeRoute(tx, { name, ...ownerOf(scope) });
      if (!route) throw new Error(`there is no route ${name}`);
      // As it was: it can be defined again.
      await noteDecision(tx, { decision: 'route_removed', details: route, actor, reason });
    }),
  );
  process.stdout.write(`payments are no longer routed by ${name} (${actor}: ${reason})\n`);
}

function ownerOf({ tenant, live }: Scope): { tenant: string | null; livemode: boolean } {
  return { tenant: tenant ?? null, livemode: live ?? false };
}

/** As the owner of the schema: the service itself only reads routes. */
function withRoutes<T>(work: (db: Database) => Promise<T>): Promise<T> {
  return withDatabases(['payments'], migratorUrl, (dbs) => work(dbs.get('payments') as Database));
}
