import { PARTITIONS, newId, partitionOf, type AnyMessage } from '@payflow/contracts';
import { statement } from '@payflow/database';
import type { RecordToSend } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, openAccount, recordOf, testMessage } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { leg } from '../testing/commands.js';
import { LedgerCommandsHandler } from './ledger-commands.handler.js';

configureLogging({ level: 'silent' });

const DEAD = statement('spec.ledger-dead', 'select xmin::text as xact from dead_letters where event_id = $1');
const TRANSFERS = statement(
  'spec.transfers-by-id',
  'select count(*)::integer as count from transfers where id = typeid_uuid($1)',
);
const ACCOUNTS = statement('spec.account-asset', 'select asset from accounts where id = typeid_uuid($1)');

type Command = AnyMessage<'payflow.account.open.v1' | 'payflow.transfer.post.v1'>;

const MALFORMED = { reason: 'command_malformed' };
const withData = (command: Command, change: object): RecordToSend => ({
  ...recordOf(command),
  value: JSON.stringify({ ...command.data, ...change }),
});

const hold = (debit_account: string, credit_account: string) => {
  const facts = { id: newId('hold'), payment: null, amount: '5', asset: 'USD', expires_at: null, valid_until: null };
  return testMessage('payflow.hold.place.v1', { ...facts, debit_account, credit_account }, { subject: facts.id });
};
const holdPosting = (debit_account: string, credit_account: string) => {
  const facts = { id: newId('transfer'), hold: newId('hold'), amount: null, final: true };
  return testMessage('payflow.hold.post.v1', { ...facts, debit_account, credit_account }, { subject: facts.id });
};
const holdEnd = (debit_account: string, credit_account: string) => {
  const facts = { id: newId('hold'), expired: false };
  return testMessage('payflow.hold.void.v1', { ...facts, debit_account, credit_account }, { subject: facts.id });
};
const reversal = (debit_account: string, credit_account: string) => {
  const facts = {
    id: newId('group'),
    transfer: newId('transfer'),
    original: newId('transfer'),
    amount: null,
    metadata: {},
  };
  return testMessage('payflow.transfer.reverse.v1', { ...facts, debit_account, credit_account }, { subject: facts.id });
};
const group = (debit: string, credit: string) => {
  const facts = { id: newId('group'), conditions: [], effective_at: null, metadata: {} };
  return testMessage('payflow.group.post.v1', { ...facts, legs: [leg(debit, credit, '5')] }, { subject: facts.id });
};
const conversion = (source: string, source_liquidity: string) => {
  const accounts = { source, source_liquidity, destination_liquidity: newId('account'), destination: newId('account') };
  const terms = { source_asset: 'USD', destination_asset: 'EUR', source_amount: '5', metadata: {} };
  const facts = {
    id: newId('group'),
    transfers: [newId('transfer'), newId('transfer')] as const,
    ...accounts,
    ...terms,
  };
  const rate = { numerator: '1', denominator: '2' };
  return testMessage('payflow.conversion.post.v1', { ...facts, rate }, { subject: facts.id });
};

const definition = () => {
  const nothing = { credit: null, template: null, if_version: null };
  const id = 'wallet_topup';
  return testMessage('payflow.transaction_type.define.v1', { id, debit: null, ...nothing }, { subject: id });
};
const update = (id: string) => {
  const nothing = { overdraft: null, overdraft_limit: null, metadata: null, if_version: null };
  return testMessage('payflow.account.update.v1', { id, state: 'frozen', ...nothing }, { subject: id });
};
const unitDefinition = () => {
  const facts = { id: 'POINTS', scale: 0, name: 'Points', created_at: '2026-11-21T12:00:00.000Z' };
  return testMessage('payflow.asset.define.v1', facts, { subject: facts.id });
};

describe('a ledger command that came damaged', () => {
  let kit: ReaderKit;
  const [world, wallet] = [openAccount(), openAccount()];

  const transfer = (id = newId('transfer')): AnyMessage<'payflow.transfer.post.v1'> =>
    testMessage(
      'payflow.transfer.post.v1',
      {
        id,
        payment: newId('payment'),
        debit_account: world.data.id,
        credit_account: wallet.data.id,
        amount: '500',
        asset: 'USD',
        valid_until: null,
      },
      { subject: id },
    );
  const unreadable = (command: Command): RecordToSend => ({ ...recordOf(command), value: Buffer.from([0xff]) });
  const expired = (command: Command) => withData(command, { valid_until: 'tomorrow' });

  beforeAll(async () => {
    kit = await ReaderKit.of('ledger.commands', migrations);
    const handler = new LedgerCommandsHandler();
    await kit.start({
      handle: (messages, tx) => handler.handle(messages as never, tx),
      refuse: (commands, tx) => handler.refuse(commands as never, tx),
    });
    await sentAfter(world, withData(world, { overdraft: 'unbounded' }));
    await sentAfter(wallet, recordOf(wallet));
  });
  afterAll(() => kit.close());

  /** Sends the records, in order, to the command's partition, and returns what was sent of its subject once all is read. */
  async function sentAfter({ key, data: { id } }: Command, ...records: RecordToSend[]) {
    await kit.sendTo(partitionOf(key, PARTITIONS.single), records);
    await kit.untilRead();
    return (await kit.sent()).filter(({ data }) => data['id'] === id);
  }

  async function sentOf(causationId: string) {
    return (await kit.sent()).filter((sent) => sent.causationId === causationId);
  }

  it('to post a transfer is rejected, in the transaction that keeps the record', async () => {
    const command = transfer();
    const sent = await sentAfter(command, expired(command));
    const { payment, amount, debit_account, credit_account } = command.data;
    expect(sent).toMatchObject([
      {
        type: 'payflow.transfer.rejected.v1',
        causationId: command.id,
        data: { ...MALFORMED, payment, amount, debit_account, credit_account },
      },
    ]);
    expect(await kit.db.rows(DEAD, [command.id])).toEqual([{ xact: sent[0]?.xact }]);
  });

  it('is answered with the same refusal when it comes whole, as itself or under another event id, and books nothing', async () => {
    const command = transfer();
    const [refusal] = await sentAfter(command, expired(command));
    const sent = await sentAfter(command, recordOf(command), recordOf({ ...command, id: newId('event') }));
    expect(sent.map(({ id, data }) => ({ id, data }))).toEqual(
      Array.from({ length: 3 }, () => ({ id: refusal?.id, data: refusal?.data })),
    );
    expect(await kit.db.rows(TRANSFERS, [command.data.id])).toEqual([{ count: 0 }]);
  });

  it('does not contradict the verdict that its whole copy got before it, or with it', async () => {
    const [before, together] = [transfer(), transfer()];
    await sentAfter(before, recordOf(before));
    expect((await sentAfter(before, expired(before))).map(({ type }) => type)).toEqual(['payflow.transfer.posted.v1']);
    const sent = await sentAfter(together, expired(together), recordOf(together));
    expect(sent.map(({ type }) => type)).toEqual(['payflow.transfer.posted.v1']);
  });

  it('is refused once, however often it comes', async () => {
    const command = transfer();
    await sentAfter(command, expired(command), expired(command));
    expect(await sentAfter(command, expired(command))).toHaveLength(1);
  });

  it('to open an account is rejected though nothing of its data can be read, and stays so', async () => {
    const command = openAccount();
    const refused = { type: 'payflow.account.rejected.v1', causationId: command.id, data: MALFORMED };
    expect(await sentAfter(command, unreadable(command))).toMatchObject([refused]);
    expect(await sentAfter(command, recordOf(command))).toMatchObject([refused, refused]);
    expect(await kit.db.rows(ACCOUNTS, [command.data.id])).toEqual([]);
  });

  it.each([
    ['to place a hold', hold, { amount: 5 }, 'payflow.hold.rejected.v1', { operation: 'place' }],
    ['to post a hold', holdPosting, { final: 'yes' }, 'payflow.hold.rejected.v1', { operation: 'post' }],
    ['to end a hold', holdEnd, { expired: null }, 'payflow.hold.rejected.v1', { operation: 'void' }],
    ['to reverse a transfer', reversal, { amount: -1 }, 'payflow.group.rejected.v1', { leg: null }],
    ['to post a group', group, { metadata: [] }, 'payflow.group.rejected.v1', { leg: null }],
    ['to convert', conversion, { rate: 0.5 }, 'payflow.group.rejected.v1', { leg: null }],
    ['to define a type', definition, { debit: 'all' }, 'payflow.transaction_type.rejected.v1', {}],
    ['to change an account', update, { state: 'melted' }, 'payflow.account.update_rejected.v1', {}],
    ['to define a unit', unitDefinition, { scale: -1 }, 'payflow.asset.rejected.v1', { id: 'POINTS' }],
  ] as const)('%s is rejected once, and stays so', async (_, make, damage, type, told) => {
    const command = make(world.data.id, wallet.data.id);
    const sent = () => sentOf(command.id);
    await sentAfter(command as never, withData(command as never, damage));
    expect(await sent()).toMatchObject([{ type, data: { ...MALFORMED, ...told } }]);
    await sentAfter(command as never, recordOf(command as never));
    expect((await sent()).map(({ data }) => data['reason'])).toEqual(['command_malformed', 'command_malformed']);
  });

  it('to close a month is rejected though nothing of its data can be read, and stays so', async () => {
    const command = testMessage('payflow.period.close.v1', { id: '2026-10' }, { subject: '2026-10' });
    await sentAfter(command as never, unreadable(command as never));
    await sentAfter(command as never, recordOf(command as never));
    const told = (await sentOf(command.id)).map(({ type, data }) => `${type} ${String(data['reason'])}`);
    expect(told).toEqual(Array.from({ length: 2 }, () => 'payflow.period.rejected.v1 command_malformed'));
  });

  it('to post a transfer is kept as a dead letter and no more where the data cannot be read', async () => {
    const command = transfer();
    expect(await sentAfter(command, unreadable(command))).toEqual([]);
    expect(await kit.db.rows(DEAD, [command.id])).toHaveLength(1);
    expect(await sentAfter(command, recordOf(command))).toMatchObject([{ type: 'payflow.transfer.posted.v1' }]);
  });
});
