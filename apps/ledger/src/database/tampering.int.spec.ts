import { uuidOf, type InvariantName } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant, type InSteps, type Invariant } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { createTestDatabase, testBroker, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerCommand } from '../domain/decide.js';
import { LedgerCommandsHandler } from '../handlers/ledger-commands.handler.js';
import {
  alone,
  conversion,
  credit,
  happen,
  held,
  market,
  other,
  ours,
  pays,
  posting,
  typed,
  voided,
  wallet,
  world,
} from '../testing/eventful-book.js';
import { givingUp } from '../testing/giving-up.js';
import { invariants, migrations } from './index.js';
import { marksInFull } from './mark-invariants.js';
import { standingInFull } from './standing-invariants.js';

const named = (name: InvariantName) => invariants.find((one) => one.name === name) as Invariant;
/** A book in which everything that there is has happened. */
const NAMES = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I10', 'I16', 'I18', 'I20', 'I35'] as const;
const FORMS = ['running', 'full'] as const;

let db: TestDatabase;
let admin: Client;
let messaging: Messaging;

async function apply(...commands: readonly LedgerCommand[]): Promise<void> {
  await db.database.transaction(async (tx) => {
    const { messages } = await new LedgerCommandsHandler().handle(commands, tx);
    await messaging.outbox.stage(tx, messages, () => undefined);
  });
}

beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  admin = new Client({ connectionString: db.adminUrl });
  await admin.connect();
  await admin.query('set session_replication_role = replica');
  // Never started: rows are staged as always, and stay in the outbox.
  messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  await happen(apply);
});
afterAll(async () => {
  await admin.end();
  await db.drop();
});

const found = async (name: InvariantName, form: 'running' | 'full') =>
  (await checkInvariant(db.database, named(name), form)).sample;

/** In pieces of a few rows each, between which nothing may be lost. */
const IN_PIECES: { readonly [name in InvariantName]?: InSteps } = {
  I16: standingInFull({ step_verdicts: 2, held_max: 1 }),
  I20: marksInFull(2),
};

it.each(['I16', 'I20'] as const)(
  '%s holds in pieces, and where the last look is given up and repeated',
  async (name) => {
    for (const database of [db.database, givingUp(db.database)])
      expect(await IN_PIECES[name]?.(database)).toEqual({ violations: 0, sample: [] });
  },
);

/** What the check says after the change, which is then taken back. */
async function seen(name: InvariantName, table: string, change: string): Promise<readonly string[]> {
  await admin.query(`create temp table kept as table ${table}`);
  try {
    const { rowCount } = await admin.query(change);
    expect(rowCount, change).toBeGreaterThan(0);
    const rows = await found(name, 'full');
    const inPieces = await IN_PIECES[name]?.(db.database);
    if (inPieces) expect([...inPieces.sample].sort()).toEqual([...rows].sort());
    return rows;
  } finally {
    await admin.query(`delete from ${table}; insert into ${table} select * from kept; drop table kept`);
  }
}

const account = (id: string) => `id = '${uuidOf('account', id)}' and tenant_id = '${uuidOf('tenant', ours.tenant)}'`;
const hold = (command: { readonly data: { readonly id: string } }) => `id = '${uuidOf('hold', command.data.id)}'`;
const transferOf = (id: string) => `'${uuidOf('transfer', id)}'`;
const told = (change: string, where: string) => `update verdicts set event_data = ${change} where ${where}`;

it.each(NAMES.flatMap((name) => FORMS.map((form) => [name, form] as const)))(
  '%s holds, %s, on a book in which all there is has happened',
  async (name, form) => {
    expect(await found(name, form)).toEqual([]);
  },
);

describe('I16 sees', () => {
  it.each([
    [
      'an overdraft that was made larger',
      `update accounts set overdraft_limit_minor = 4000 where overdraft_limit_minor = 400`,
    ],
    [
      'one without a bound',
      `update accounts set overdraft = 'unbounded', overdraft_limit_minor = 0 where ${account(wallet)}`,
    ],
    ['a frozen account that is open again', `update accounts set state = 'open' where ${account(other)}`],
    ['an account of another kind', `update accounts set kind = 'income' where ${account(market)}`],
    ['one at another path', `update accounts set path = 'users:2:wallet' where ${account(wallet)}`],
    ['one with other metadata', `update accounts set metadata = '{"name":"third"}' where ${account(wallet)}`],
    ['one of another asset', `update accounts set asset = 'EUR' where ${account(market)}`],
    ['one that is gone', `delete from accounts where ${account(market)}`],
  ])('%s', async (_, change) => {
    const rows = await seen('I16', 'accounts', change);
    expect(rows).toEqual([
      expect.stringMatching(/^accounts\/\S+ (is not on the terms that were told last|was opened and is gone)$/),
    ]);
  });

  it.each([
    ['a hold of another amount', `update holds set amount_minor = 600 where ${hold(held)}`],
    ['one that is said to have ended', `update holds set status = 'voided' where ${hold(held)}`],
    ['one that was voided and is pending again', `update holds set status = 'pending' where ${hold(voided)}`],
    ['one of which more is said to be posted', `update holds set posted_minor = 60 where ${hold(held)}`],
    ['one for somebody else', `update holds set credit_account_id = '${uuidOf('account', world)}' where ${hold(held)}`],
    ['one that ends sooner', `update holds set expires_at = '2098-01-01' where ${hold(held)}`],
    [
      'one that was changed at another time',
      `update holds set changed_at = changed_at - interval '1 s' where ${hold(held)}`,
    ],
    [
      'one that was placed at another time',
      `update holds set placed_at = placed_at - interval '1 s' where ${hold(voided)}`,
    ],
    ['one of a later version', `update holds set version = version + 1 where ${hold(held)}`],
    ['one of no type', `update holds set type_name = null, type_version = null where ${hold(held)}`],
    ['one that is gone', `delete from holds where ${hold(held)}`],
  ])('%s', async (_, change) => {
    const rows = await seen('I16', 'holds', change);
    expect(rows).toEqual([
      expect.stringMatching(/^holds\/\S+ (is not what was told of it last|was placed and is gone)$/),
    ]);
  });

  it.each([
    [
      'a transfer that may be corrected again',
      'update reversals set corrected_by_id = null where corrected_by_id is not null',
    ],
    [
      'one that is said to be corrected by another',
      'update reversals set corrected_by_id = gen_random_uuid() where corrected_by_id is not null',
    ],
  ])('%s', async (_, change) => {
    expect(await seen('I16', 'reversals', change)).toEqual([
      expect.stringMatching(/^transfers\/\S+ is not corrected as was told$/),
    ]);
  });

  it('while running too, of what has just changed', async () => {
    await admin.query(`update accounts set overdraft_limit_minor = 4000 where overdraft_limit_minor = 400`);
    expect(await found('I16', 'running')).toEqual([expect.stringMatching(/^accounts\//)]);
    await admin.query(`update accounts set overdraft_limit_minor = 400 where overdraft_limit_minor = 4000`);
    await admin.query(`update holds set amount_minor = 600 where ${hold(held)}`);
    expect(await found('I16', 'running')).toEqual([expect.stringMatching(/^holds\//)]);
    await admin.query(`update holds set amount_minor = 60 where ${hold(held)}`);
  });
});

it('I3 sees a version that no change explains', async () => {
  const change = `update accounts set version = version + 1 where ${account(market)}`;
  expect(await seen('I3', 'accounts', change)).toEqual([
    `accounts/${uuidOf('account', market)} has another version than it was changed`,
  ]);
});

it('I3 sees an account that is said to have been changed last before it was', async () => {
  const change = `update accounts set last_recorded_at = last_recorded_at - interval '1 hour' where ${account(world)}`;
  expect(await seen('I3', 'accounts', change)).toEqual([
    `accounts/${uuidOf('account', world)} was changed after it is said to have been changed last`,
  ]);
});

it('I5 sees a transfer of which more was moved back since, by its version', async () => {
  expect(await seen('I5', 'reversals', 'update reversals set version = version + 1 where reversed_minor = 13')).toEqual(
    [expect.stringMatching(/^transfers\/\S+ is not moved back as far as is kept$/)],
  );
});

describe('I5 sees a reversal', () => {
  const back = `reverses_id = ${transferOf(pays.data.id)}`;
  it.each([
    [
      'that moves on to whom it had moved',
      `update transfers set debit_account_id = credit_account_id, credit_account_id = debit_account_id where ${back}`,
    ],
    [
      'that moves back to somebody else',
      `update transfers set credit_account_id = '${uuidOf('account', other)}' where ${back}`,
    ],
    ['of another asset', `update transfers set asset = 'EUR' where ${back}`],
    ['of a transfer that is not there', `delete from transfers where id = ${transferOf(pays.data.id)}`],
  ])('%s', async (_, change) => {
    expect((await seen('I5', 'transfers', change)).join('; ')).toMatch(/transfers\/\S+ moves back something else/);
  });
});

describe('I20 sees', () => {
  const group = (command: { readonly data: { readonly id: string } }) =>
    `kind = 'group' and id = '${uuidOf('group', command.data.id)}'`;
  const transfer = (id: string) => `kind = 'transfer' and id = ${transferOf(id)}`;
  it.each([
    [
      'a transfer with another account in its mark',
      'verdicts',
      told(`replace(event_data, '${wallet}', '${other}')`, transfer(pays.data.id)),
      / has something else in its mark$/,
    ],
    [
      'a leg with another asset in its mark',
      'verdicts',
      told(`replace(event_data, '"USD"', '"EUR"')`, transfer(alone.id)),
      / has something else in its mark/,
    ],
    [
      'a group that tells another leg',
      'verdicts',
      told(`replace(event_data, '"amount":"7"', '"amount":"8"')`, group(typed)),
      / tells other legs than were posted$/,
    ],
    [
      'a conversion at another rate',
      'verdicts',
      told(`replace(event_data, '"numerator":"9"', '"numerator":"8"')`, group(conversion)),
      / was not converted at its rate$/,
    ],
    [
      'a transfer of another type',
      'typed_transfers',
      `update typed_transfers set version = version + 1 where transfer_id = ${transferOf(posting.data.id)}`,
      / is not of the type that was told$/,
    ],
    [
      'one that is of no type any more',
      'typed_transfers',
      `delete from typed_transfers where transfer_id = ${transferOf(typed.data.legs[0]?.id as string)}`,
      / is not of the type that was told$/,
    ],
    [
      'one that is of a type since',
      'typed_transfers',
      `update typed_transfers set transfer_id = ${transferOf(alone.id)} where transfer_id = ${transferOf(posting.data.id)}`,
      / is not of the type that was told/,
    ],
    ['a unit of another scale', 'units', 'update units set scale = 2', /^units\/PNTS is not what was told$/],
    ['a unit past the last', 'units', 'update units set number = 7', /^units\/PNTS is numbered past the last$/],
    ['a unit that is gone', 'units', 'delete from units', /^units\/PNTS is not what was told$/],
    [
      'a rule that is wider',
      'transaction_types',
      'update transaction_types set debit = null where debit is not null',
      /^transaction_types\/fee\/1 is not what was told$/,
    ],
    [
      'a version that nobody defined',
      'transaction_types',
      `update transaction_types set version = 3 where version = 2`,
      /^transaction_types\/fee\/[23] is not what was told/,
    ],
    [
      'other metadata in the history of an account',
      'metadata_versions',
      `update metadata_versions set metadata = '{"name":"zero"}' where metadata::text like '%first%'`,
      /^accounts\/\S+ has other metadata in version 1 than was told$/,
    ],
    [
      'and of a transfer',
      'metadata_versions',
      `update metadata_versions set metadata = '{}' where metadata::text like '%seen%'`,
      /^transfers\/\S+ has other metadata in version 2 than was told$/,
    ],
    [
      'of one that was asked for alone',
      'metadata_versions',
      `update metadata_versions set metadata = '{}' where metadata::text like '%half%'`,
      /^transfers\/\S+ has other metadata in version 1 than was told$/,
    ],
    [
      'of one that stands for another',
      'metadata_versions',
      `update metadata_versions set metadata = '{}' where metadata::text like '%typo%'`,
      /^transfers\/\S+ has other metadata in version 1 than was told$/,
    ],
    [
      'metadata that a transfer was given at another time',
      'metadata_versions',
      `update metadata_versions set recorded_at = recorded_at - interval '1 day' where metadata::text like '%seen%'`,
      /^transfers\/\S+ was given version 2 at another time$/,
    ],
    [
      'and was asked for with',
      'metadata_versions',
      `update metadata_versions set recorded_at = recorded_at - interval '1 day' where metadata::text like '%half%'`,
      /^transfers\/\S+ was given version 1 at another time$/,
    ],
    [
      'metadata that nobody gave',
      'metadata_versions',
      `insert into metadata_versions select tenant_id, livemode, resource, id, version + 20, metadata, actor, recorded_at
       from metadata_versions where metadata::text like '%first%'`,
      /^accounts\/\S+ has other metadata in version 21 than was told$/,
    ],
    [
      'metadata of an account that was taken away',
      'metadata_versions',
      `delete from metadata_versions where metadata::text like '%second%'`,
      /^accounts\/\S+ has other metadata in version \d+ than was told$/,
    ],
    [
      'metadata that was taken away',
      'metadata_versions',
      `delete from metadata_versions where metadata::text like '%seen%'`,
      /^transfers\/\S+ has other metadata in version 2 than was told$/,
    ],
  ] as const)('%s', async (_, table, change, message) => {
    expect((await seen('I20', table, change)).join('; ')).toMatch(message);
  });
});

describe('I18 sees', () => {
  it('a verdict that is told to answer another command than its message', async () => {
    const change = `update verdicts set command_id = gen_random_uuid() where kind = 'transfer' and id = ${transferOf(pays.data.id)}`;
    expect((await seen('I18', 'verdicts', change)).join('; ')).toMatch(/verdicts\/\S+ is not what its message says/);
  });

  it('a verdict that says something else than its message', async () => {
    const change = told(
      `replace(event_data, '"overdraft_limit":"9"', '"overdraft_limit":"900"')`,
      `event_data like '%"overdraft_limit":"9",%'`,
    );
    expect((await seen('I18', 'verdicts', change)).join('; ')).toMatch(/^verdicts\/\S+ is not what its message says/);
  });

  it.each([
    ['a group', 'drawn', '"drawn_before":"0","drawn_after":"34"'],
    ["a hold's posting", 'drawn', '"drawn_before":"31","drawn_after":"81"'],
    ['a transfer', 'repaid', '"drawn_before":"34","drawn_after":"31"'],
    ['a change of the terms', 'drawn', '"drawn_before":"0","drawn_after":"40"'],
    ['the loss of the limit', 'cleared', '"drawn_before":"20","drawn_after":"0"'],
  ])('an overdraft that was moved by %s and not told', async (_, kind, data) => {
    // As if it were another message: one that begins a command of its own and changes nothing.
    const change = `update outbox o set messages = (
        select json_agg(m order by nth) from json_array_elements(o.messages::json) with ordinality as e (m, nth)
        where not (m -> 'message' ->> 'type' like '%overdraft_${kind}%' and (m -> 'value')::text like '%${data}%'))
      where messages like '%${data}%'`;
    expect(await seen('I18', 'outbox', change)).toEqual([`accounts/${credit} has an overdraft that was not told`]);
  });
});
