import { newId } from '@payflow/contracts';
import { Messaging } from '@payflow/messaging';
import {
  createTestDatabase,
  createTestTopics,
  testBroker,
  uniqueSuffix,
  until,
  type TestDatabase,
} from '@payflow/testing';
import { statement } from '@payflow/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf } from '../testing/commands.js';
import { LedgerCommandsHandler } from './ledger-commands.handler.js';

const ours = new CommandsOf();
const { tenant } = ours;
const open = (id: string, overdraft: 'none' | 'unbounded' = 'none') => ours.open(id, { overdraft });
const transfer = (debit: string, credit: string, amount: string, id = newId('transfer')) =>
  ours.transfer(debit, credit, amount, { id });

const BALANCES = statement(
  'spec.balances',
  'select sum(posted_debits)::text as debits, sum(posted_credits)::text as credits, min(version)::integer as version from accounts',
);
const TRANSFERS = statement('spec.transfers', 'select count(*)::integer as count from transfers');

describe('the ledger on real PostgreSQL', () => {
  let db: TestDatabase;
  const handler = new LedgerCommandsHandler();

  beforeAll(async () => {
    db = await createTestDatabase('ledger', migrations);
    await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  });
  afterAll(() => db.drop());

  const handle = (...commands: readonly LedgerCommand[]) =>
    db.database.transaction((tx) => handler.handle(commands, tx));

  it('opens accounts and posts transfers of one batch on them, in order', async () => {
    const [world, wallet] = [newId('account'), newId('account')];
    const { messages } = await handle(
      open(world, 'unbounded'),
      open(wallet),
      transfer(wallet, world, '1'),
      transfer(world, wallet, '500'),
      transfer(wallet, world, '200'),
    );
    expect(messages.map(({ type }) => type)).toEqual([
      'payflow.account.opened.v1',
      'payflow.account.opened.v1',
      'payflow.transfer.rejected.v1',
      'payflow.transfer.posted.v1',
      'payflow.transfer.posted.v1',
    ]);
    expect(messages[2]?.data).toMatchObject({ reason: 'insufficient_funds' });
    expect(messages[4]?.data).toMatchObject({
      debit_account: { id: wallet, posted_debits: '200', posted_credits: '500', version: 3 },
    });
    expect(await db.database.rows(BALANCES)).toEqual([{ debits: '700', credits: '700', version: 3 }]);
    expect(await db.database.rows(TRANSFERS)).toEqual([{ count: 2 }]);
  });

  it('answers a repeated command with its first verdict and books nothing', async () => {
    const [world, wallet] = [newId('account'), newId('account')];
    const post = transfer(world, wallet, '500');
    const first = await handle(open(world, 'unbounded'), open(wallet), post);
    const again = await handle(post);
    expect(again.messages[0]).toMatchObject({ id: first.messages[2]?.id, data: first.messages[2]?.data, resent: true });
    expect(again.repeated).toEqual([post.id]);
  });

  it('knows what it has answered, and not another command of the same id', async () => {
    const [world, wallet] = [newId('account'), newId('account')];
    const [post, coming] = [transfer(world, wallet, '5'), transfer(world, wallet, '6')];
    await handle(open(world, 'unbounded'), open(wallet), post);
    const known = await db.database.transaction((tx) =>
      handler.known([post, { ...post, id: newId('event') }, coming], tx),
    );
    expect(known).toEqual([post.id]);
  });

  it('answers two copies of a command in one batch once each, and books one', async () => {
    const [world, wallet] = [newId('account'), newId('account')];
    const post = transfer(world, wallet, '7');
    const { messages } = await handle(open(world, 'unbounded'), open(wallet), post, { ...post, id: newId('event') });
    expect(messages[3]?.data).toEqual(messages[2]?.data);
    expect(messages[2]?.data).toMatchObject({ credit_account: { posted_credits: '7' } });
  });

  it('refuses an id that was used with other content', async () => {
    const [world, wallet] = [newId('account'), newId('account')];
    const id = newId('transfer');
    await handle(open(world, 'unbounded'), open(wallet), transfer(world, wallet, '5', id));
    const other = transfer(world, wallet, '6', id);
    const { messages, repeated } = await handle(other);
    expect(messages[0]).toMatchObject({ type: 'payflow.transfer.rejected.v1', data: { reason: 'id_reused' } });
    // Of the same command once more nothing is counted: it was sent once.
    expect([repeated, (await handle(other)).repeated]).toEqual([[], [other.id]]);
    // Nor beside what is new, with which it is noted.
    const another = transfer(world, wallet, '7', id);
    const beside = async () => (await handle(another, transfer(world, wallet, '1'))).repeated;
    expect([await beside(), await beside()]).toEqual([[], [another.id]]);
  });

  it('tells of an overdraft beside the verdict that moved it, and never again', async () => {
    const [world, wallet] = [newId('account'), newId('account')];
    const draws = transfer(wallet, world, '5');
    const limited = ours.open(wallet, { overdraft: 'limited', overdraft_limit: '9' });
    const { messages } = await handle(open(world, 'unbounded'), limited, draws, { ...draws, id: newId('event') });
    const of = {
      subject: wallet,
      aggregateVersion: 2,
      cause: draws,
      data: { drawn_after: '5', transfer: draws.data.id },
    };
    expect(messages.slice(2)).toMatchObject([
      { type: 'payflow.transfer.posted.v1' },
      { type: 'payflow.account.overdraft_drawn.v1', ...of },
      { type: 'payflow.transfer.posted.v1', resent: true },
    ]);
    expect((await handle(draws, transfer(wallet, world, '9'))).messages.map(({ type }) => type)).toEqual([
      'payflow.transfer.posted.v1',
      'payflow.transfer.rejected.v1',
    ]);
  });

  it('writes a refusal where a later copy of a discarded command finds it', async () => {
    const [world, wallet] = [newId('account'), newId('account')];
    const post = transfer(world, wallet, '5');
    await handle(open(world, 'unbounded'), open(wallet));
    await db.database.transaction((tx) => handler.discard([post], tx));
    const { messages } = await handle(post);
    expect(messages[0]).toMatchObject({ data: { reason: 'discarded' } });
  });

  it('answers the same opening under a new command as the first, once it was refused', async () => {
    const command = open(newId('account'));
    const refused = await db.database.transaction((tx) => handler.discard([command], tx));
    const again = { ...command, id: newId('event') };
    const { messages, repeated } = await handle(again, command);
    expect(messages).toMatchObject([
      { type: 'payflow.account.rejected.v1', cause: again, data: { reason: 'discarded' } },
      { type: 'payflow.account.rejected.v1', id: refused.messages[0]?.id, data: { reason: 'discarded' }, resent: true },
    ]);
    // Its reader has dropped the first answer by its event's id, and would wait for ever.
    expect([messages[0]?.id, messages[0]?.resent, repeated]).toEqual([undefined, undefined, [command.id]]);
    expect((await handle(again)).repeated).toEqual([again.id]);
  });

  it('books each of 50 concurrent copies of one transfer once', async () => {
    const [world, wallet] = [newId('account'), newId('account')];
    await handle(open(world, 'unbounded'), open(wallet));
    const post = transfer(world, wallet, '11');
    const all = await Promise.all(Array.from({ length: 50 }, () => handle({ ...post, id: newId('event') })));
    expect(new Set(all.map(({ messages }) => messages[0]?.id)).size).toBe(1);
    expect(all.map(({ messages }) => messages[0]?.data)).toEqual(
      Array.from({ length: 50 }, () => all[0]?.messages[0]?.data),
    );
  });
});

describe('the history', () => {
  let db: TestDatabase;

  beforeAll(async () => {
    db = await createTestDatabase('ledger', migrations);
    await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
    const [world, wallet] = [newId('account'), newId('account')];
    const commands = [open(world, 'unbounded'), open(wallet), transfer(world, wallet, '5')];
    await db.database.transaction((tx) => new LedgerCommandsHandler().handle(commands, tx));
  });
  afterAll(() => db.drop());

  const month = new Date().toISOString().slice(0, 7).replace('-', '');

  it.each([
    'update transfers set amount_minor = 6',
    'delete from transfers',
    `delete from transfers_${month}`,
    "update verdicts set event_data = ''",
    'delete from verdicts',
    'delete from accounts',
    'drop table accounts',
  ])('refuses the service itself: %s', async (text) => {
    await expect(db.database.rows(statement(`spec.${text.slice(0, 40)}`, text))).rejects.toMatchObject({
      code: '42501',
    });
  });
});

describe('the ledger behind the runner', () => {
  const prefix = uniqueSuffix();
  let db: TestDatabase;
  let messaging: Messaging;
  const handler = new LedgerCommandsHandler();

  beforeAll(async () => {
    const broker = testBroker(prefix);
    [db] = await Promise.all([createTestDatabase('ledger', migrations), createTestTopics(broker)]);
    messaging = new Messaging({ broker, database: db.database, partitions: 'single' });
    await messaging.start();
    await messaging.subscribe('ledger.commands', { handle: (messages, tx) => handler.handle(messages as never, tx) });
  });
  afterAll(async () => {
    await messaging.close();
    await db.drop();
  });

  it('takes commands from the topic and publishes every verdict', async () => {
    const [world, wallet] = [newId('account'), newId('account')];
    const origin = { tenant, livemode: false, actor: 'spec' };
    const commands = [open(world, 'unbounded'), open(wallet)].map(({ type, subject, data }) => ({
      type,
      subject,
      data,
      origin,
    }));
    const staged = await db.database.transaction((tx) =>
      messaging.outbox.stage(tx, commands as never, () => undefined),
    );
    staged.publish();
    await until(
      'both accounts exist',
      async () => (await db.database.rows(statement('spec.accounts', 'select from accounts'))).length === 2,
    );
    const UNPUBLISHED = statement(
      'spec.unpublished',
      'select count(*)::integer as open from outbox where published_at is null',
    );
    await until(
      'the outbox is drained',
      async () => (await db.database.rows<{ open: number }>(UNPUBLISHED))[0]?.open === 0,
    );
    const POSITIONS = statement('spec.positions', 'select sum(next_offset)::integer as offsets from positions');
    expect(await db.database.rows(POSITIONS)).toEqual([{ offsets: 2 }]);
  });
});
