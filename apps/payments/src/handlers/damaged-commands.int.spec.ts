import { PARTITIONS, newId, partitionOf, type AnyMessage } from '@payflow/contracts';
import { statement } from '@payflow/database';
import type { RecordToSend } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, paymentCommand, recordOf } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { PaymentCommandsHandler } from './payment-commands.handler.js';

configureLogging({ level: 'silent' });

const STATES = statement(
  'spec.states',
  `select status, failure_code as "failureCode", version::integer as version, xact_id::text as xact from payments where create_command_id = typeid_uuid($1)`,
);
const DEAD = statement(
  'spec.payments-dead',
  `select error_class as "errorClass", error_message as reason, xmin::text as xact from dead_letters where event_id = $1`,
);

type Create = AnyMessage<'payflow.payment.create.v1'>;

const accepted = (): Create => {
  const command = paymentCommand(newId('payment'), 1);
  return { ...command, data: { ...command.data, expires_at: new Date(Date.now() + 86_400_000).toISOString() } };
};
const withValue = (command: Create, value: string): RecordToSend => ({ ...recordOf(command), value });
const withData = (command: Create, change: object) =>
  withValue(command, JSON.stringify({ ...command.data, ...change }));

describe('a command to make a payment that came damaged', () => {
  let kit: ReaderKit;

  beforeAll(async () => {
    kit = await ReaderKit.of('payments.commands', migrations);
    const handler = new PaymentCommandsHandler();
    await kit.start({
      handle: (messages, tx) => handler.handle(messages as never, tx),
      refuse: (commands, tx) => handler.refuse(commands as never, tx),
    });
  });
  afterAll(() => kit.close());

  /** Sends the records, in order, to the partition of the payment, and returns what was sent of it once all is read. */
  async function sentAfter({ key }: Create, ...records: RecordToSend[]) {
    await kit.sendTo(partitionOf(key, PARTITIONS.single), records);
    await kit.untilRead();
    return (await kit.sent()).filter(({ data }) => data['id'] === key || data['payment'] === key);
  }

  it('ends the payment as failed, in the transaction that keeps the record', async () => {
    const command = accepted();
    const sent = await sentAfter(command, withData(command, { capture: 'some day' }));
    expect(sent).toMatchObject([
      {
        type: 'payflow.payment.failed.v1',
        causationId: command.id,
        data: {
          status: 'failed',
          failure: { code: 'command_malformed' },
          amount: '100',
          amount_captured: '0',
          source: command.data.source,
          version: 1,
          accounts: [],
        },
      },
    ]);
    const [letter] = await kit.db.rows<{ xact: string }>(DEAD, [command.id]);
    expect(letter).toMatchObject({ errorClass: 'undecodable', reason: expect.stringMatching(/^schema: \/capture/) });
    expect(await kit.db.rows(STATES, [command.id])).toEqual([
      { status: 'failed', failureCode: 'command_malformed', version: 1, xact: sent[0]?.xact },
    ]);
    expect(letter?.xact).toBe(sent[0]?.xact);
  });

  it('stands as refused when the whole command comes after it: the ledger is never asked', async () => {
    const command = accepted();
    await sentAfter(command, withData(command, { sequence: 'first' }));
    const sent = await sentAfter(command, recordOf(command), recordOf({ ...command, id: newId('event') }));
    expect(sent.map(({ type }) => type)).toEqual(['payflow.payment.failed.v1']);
    expect(await kit.db.rows(STATES, [command.id])).toMatchObject([{ status: 'failed', version: 1 }]);
  });

  it('changes nothing when the whole one came before it, or with it: the ledger may have been asked', async () => {
    const [before, together] = [accepted(), accepted()];
    await sentAfter(before, recordOf(before));
    const damaged = (command: Create) => withData(command, { capture: 'some day' });
    expect((await sentAfter(before, damaged(before))).map(({ type }) => type)).toEqual(['payflow.transfer.post.v1']);
    const sent = await sentAfter(together, damaged(together), recordOf(together));
    expect(sent.map(({ type }) => type)).toEqual(['payflow.transfer.post.v1']);
    for (const { id } of [before, together]) {
      expect(await kit.db.rows(STATES, [id])).toMatchObject([{ status: 'processing' }]);
      expect(await kit.db.rows(DEAD, [id])).toHaveLength(1);
    }
  });

  it('is refused once, however often it comes', async () => {
    const command = accepted();
    const damaged = withData(command, { capture: 'some day' });
    await sentAfter(command, damaged, damaged);
    expect(await sentAfter(command, damaged)).toHaveLength(1);
    expect(await kit.db.rows(DEAD, [command.id])).toHaveLength(3);
  });

  it.each<[string, (command: Create) => RecordToSend]>([
    ['its data cannot be read', (command) => withValue(command, '{"id":')],
    ['what the failed payment would have to say is missing', (command) => withData(command, { amount: undefined })],
    ['it names two payments', (command) => withData(command, { id: newId('payment'), capture: 'some day' })],
  ])('is kept as a dead letter and no more where %s', async (_, spoil) => {
    const command = accepted();
    expect(await sentAfter(command, spoil(command))).toEqual([]);
    expect(await kit.db.rows(STATES, [command.id])).toEqual([]);
    expect(await kit.db.rows(DEAD, [command.id])).toMatchObject([{ errorClass: 'undecodable' }]);
  });

  it('is kept as one where even the refusal breaks a rule of the database, and holds nobody up', async () => {
    const [command, next] = [accepted(), accepted()];
    expect(await sentAfter(command, withData(command, { capture: 'some day', reference: 'a\0b' }))).toEqual([]);
    expect(await kit.db.rows(DEAD, [command.id])).toMatchObject([{ errorClass: 'undecodable' }]);
    expect(await sentAfter(next, recordOf(next))).toHaveLength(1);
  });
});
