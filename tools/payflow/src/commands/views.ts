import { setTimeout as delay } from 'node:timers/promises';
import { SUBSCRIPTIONS, type Group, type Service } from '@payflow/contracts';
import {
  publishedKeys,
  publishedStates,
  statement,
  type Database,
  type Published,
  type PublishedKey,
} from '@payflow/database';
import { REBUILT_VIEWS, ViewRebuild, type RebuiltName } from '@payflow/gateway/rebuild';
import { LEDGER_PUBLISHED } from '@payflow/ledger/published';
import { kafkajsBroker, type BrokerAdmin } from '@payflow/messaging';
import { PAYMENTS_PUBLISHED } from '@payflow/payments/published';
import { Command, InvalidArgumentError } from 'commander';
import { parseSeconds } from '../arguments.js';
import { brokerFromEnvironment, databaseUrl, readerUrl, withDatabases } from '../installation.js';
import { printTable } from '../output.js';

const PAGE = 200;
const LOOK_INTERVAL_MS = 200;
const READERS: readonly Group[] = ['gateway.accounts', 'gateway.payments'];

interface Source {
  readonly owner: Service;
  readonly published: Published;
}

const SOURCES: Readonly<Record<RebuiltName, Source>> = {
  accounts: { owner: 'ledger', published: LEDGER_PUBLISHED.accounts },
  payments: { owner: 'payments', published: PAYMENTS_PUBLISHED.payments },
  operations: { owner: 'payments', published: PAYMENTS_PUBLISHED.operations },
  disputes: { owner: 'payments', published: PAYMENTS_PUBLISHED.disputes },
  transfers: { owner: 'ledger', published: LEDGER_PUBLISHED.transfers },
  groups: { owner: 'ledger', published: LEDGER_PUBLISHED.groups },
  holds: { owner: 'ledger', published: LEDGER_PUBLISHED.holds },
  types: { owner: 'ledger', published: LEDGER_PUBLISHED.types },
  units: { owner: 'ledger', published: LEDGER_PUBLISHED.units },
  limits: { owner: 'payments', published: PAYMENTS_PUBLISHED.limits },
  rules: { owner: 'payments', published: PAYMENTS_PUBLISHED.rules },
  reviews: { owner: 'payments', published: PAYMENTS_PUBLISHED.reviews },
};
const NAMES = Object.keys(REBUILT_VIEWS) as RebuiltName[];

const POSITIONS = statement(
  'cli.view-positions',
  'select consumer_group as "group", partition, next_offset from positions where consumer_group = any ($1::text[])',
);

interface Wish {
  readonly only?: readonly RebuiltName[];
  readonly within: number;
}

/** `payflow views`: what the gateway shows, made anew from what the owners have. */
export function viewsCommands(): Command {
  const views = new Command('views').description('what the gateway shows of the owners’ state');
  views
    .command('rebuild')
    .option('--only <views>', `some of ${NAMES.join(',')}`, parseNames)
    .option('--within <seconds>', 'how long to wait for events that are on their way', parseSeconds, 60)
    .description("bring every view to its owner's state, in place, while all are at work; then wait for the topics")
    .action(rebuild);
  return views;
}

function parseNames(text: string): RebuiltName[] {
  const names = text.split(',');
  if (!names.every((name): name is RebuiltName => (NAMES as string[]).includes(name)))
    throw new InvalidArgumentError(`some of ${NAMES.join(',')}`);
  return names;
}

interface Outcome {
  things: number;
  restored: number;
  repaired: number;
  retired: number;
  awaited: readonly PublishedKey[];
}

async function rebuild({ only = NAMES, within }: Wish): Promise<void> {
  // Before anything is repaired: without a broker nobody could say when it is done.
  const admin = await kafkajsBroker(brokerFromEnvironment()).admin();
  try {
    await rebuildAll(only, (gateway) => topicsRead(gateway, admin, within));
  } finally {
    await admin.close();
  }
}

async function rebuildAll(
  only: readonly RebuiltName[],
  untilRead: (gateway: Database) => Promise<boolean>,
): Promise<void> {
  const urlOf = (service: Service) => (service === 'gateway' ? databaseUrl(service) : readerUrl(service));
  await withDatabases(['gateway', 'payments', 'ledger'], urlOf, async (dbs) => {
    const gateway = dbs.get('gateway') as Database;
    const outcomes = new Map<RebuiltName, Outcome>();
    for (const name of only) outcomes.set(name, await rebuildOne(name, dbs));
    // What an event on its way is to answer somebody with was left to it: when it has come, it is as the owner says, or wrong.
    const isThere = await untilRead(gateway);
    for (const [name, outcome] of outcomes) await lookAgain(name, dbs, outcome);
    report(outcomes, isThere);
  });
}

async function rebuildOne(name: RebuiltName, dbs: ReadonlyMap<Service, Database>): Promise<Outcome> {
  const outcome: Outcome = { things: 0, restored: 0, repaired: 0, retired: 0, awaited: [] };
  const { owner, published } = SOURCES[name];
  for await (const keys of publishedKeys(dbs.get(owner) as Database, published, PAGE)) {
    outcome.things += keys.length;
    await repairPage(name, dbs, keys, outcome);
  }
  return outcome;
}

async function lookAgain(name: RebuiltName, dbs: ReadonlyMap<Service, Database>, outcome: Outcome): Promise<void> {
  const { awaited } = outcome;
  outcome.awaited = [];
  for (let at = 0; at < awaited.length; at += PAGE) await repairPage(name, dbs, awaited.slice(at, at + PAGE), outcome);
}

const rebuilds = new Map<RebuiltName, ViewRebuild>();

async function repairPage(
  name: RebuiltName,
  dbs: ReadonlyMap<Service, Database>,
  keys: readonly PublishedKey[],
  outcome: Outcome,
): Promise<void> {
  const { owner, published } = SOURCES[name];
  const view = rebuilds.get(name) ?? new ViewRebuild(REBUILT_VIEWS[name]);
  rebuilds.set(name, view);
  const { restored, repaired, retired, awaited } = await view.repair(dbs.get('gateway') as Database, keys, (locked) =>
    publishedStates(dbs.get(owner) as Database, published, locked),
  );
  outcome.restored += restored;
  outcome.repaired += repaired;
  outcome.retired += retired;
  outcome.awaited = [...outcome.awaited, ...awaited];
}

/** Waits until the gateway has read the topics as far as they go now. False where that took too long. */
async function topicsRead(gateway: Database, admin: BrokerAdmin, within_s: number): Promise<boolean> {
  const ends = new Map<string, number>();
  for (const group of READERS)
    for (const { partition, high } of await admin.offsets(SUBSCRIPTIONS[group].topic))
      if (high > 0) ends.set(`${group}/${partition}`, high);
  const until = performance.now() + within_s * 1_000;
  for (;;) {
    const rows = await gateway.rows<{ group: string; partition: number; next_offset: bigint }>(POSITIONS, [READERS]);
    const read = new Map(rows.map((row) => [`${row.group}/${row.partition}`, Number(row.next_offset)]));
    if ([...ends].every(([place, end]) => (read.get(place) ?? 0) >= end)) return true;
    if (performance.now() > until) return false;
    await delay(LOOK_INTERVAL_MS);
  }
}

function report(outcomes: ReadonlyMap<RebuiltName, Outcome>, isThere: boolean): void {
  const rows = [...outcomes].map(([view, { awaited, retired, ...counts }]) => ({
    ...{ view, ...counts },
    left: awaited.length,
    retired,
  }));
  printTable(rows, 'no view was asked for');
  const isLeft = rows.some((row) => row.left > 0);
  if (isThere && !isLeft) return;
  process.stderr.write(
    isThere
      ? 'rows that somebody waits for were left to their events: run it again\n'
      : 'the gateway has not read its topics to the end: see `payflow positions ls`, and run it again\n',
  );
  process.exitCode = 1;
}
