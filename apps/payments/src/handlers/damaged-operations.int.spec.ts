import { PARTITIONS, newId, partitionOf, type AnyMessage } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { listParked, requestParked, type RecordToSend } from '@payflow/messaging';
import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { ReaderKit, paymentCommand, recordOf, testMessage, until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { PaymentCommandsHandler } from './payment-commands.handler.js';

configureLogging({ level: 'silent' });

const WAITING = statement('spec.waiting-commands', 'select sequence from waiting_commands');

type Create = AnyMessage<'payflow.payment.create.v1'>;

const unconfirmed = (): Create => {
  const command = paymentCommand(newId('payment'), 1);
  const expires_at = new Date(Date.now() + 86_400_000).toISOString();
  return { ...command, data: { ...command.data, expires_at, confirm: false } };
};
const facts = ({ key }: Create, sequence: number) => ({ id: key, sequence, created_at: new Date().toISOString() });
const cancel = (create: Create, sequence: number) =>
  testMessage(
    'payflow.payment.cancel.v1',
    { ...facts(create, sequence), operation: newId('cancellation'), reason: null },
    { tenant: create.tenant },
  );
const capture = (create: Create, sequence: number) =>
  testMessage(
    'payflow.payment.capture.v1',
    { ...facts(create, sequence), operation: newId('capture'), amount: null, final: true, metadata: {} },
    { tenant: create.tenant },
  );
const damaged = (command: AnyMessage, change: object = { final: 'perhaps' }): RecordToSend => ({
  ...recordOf(command),
  value: JSON.stringify({ ...command.data, ...change }),
});

describe('a command about a payment', () => {
  let kit: ReaderKit;
  let failing: string | undefined;

  beforeAll(async () => {
    kit = await ReaderKit.of('payments.commands', migrations);
    const handler = new PaymentCommandsHandler();
    await kit.start({
      handle: async (messages, tx) => {
        if (messages.some(({ id }) => id === failing)) throw new TypeError('a bug');
        return handler.handle(messages as never, tx);
      },
      refuse: (commands, tx) => handler.refuse(commands as never, tx),
      discard: (messages, tx) => handler.discard(messages as never, tx),
      known: (messages, tx) => handler.known(messages as never, tx),
      begun: (messages, tx) => handler.begun(messages as never, tx),
    });
  });
  afterAll(() => kit.close());

  async function sentAfter(create: Create, ...records: RecordToSend[]) {
    await kit.sendTo(partitionOf(create.key, PARTITIONS.single), records);
    await kit.untilRead();
    return sentOf(create);
  }

  async function sentOf({ key }: Create): Promise<string[]> {
    return (await kit.sent())
      .filter(({ data }) => data['id'] === key || (data['payment'] as { id?: string })?.id === key)
      .map(({ type, data }) => [type, (data['failure'] as { code?: string } | null)?.code].join(' ').trim())
      .sort();
  }

  /** What an operator asks for a payment that is parked. */
  const decide = ({ tenant, key: recordKey }: Create, state: 'discarding' | 'releasing') =>
    requestParked(kit.db, { group: 'payments.commands', tenant, recordKey }, { state, actor: 'spec', reason: 'spec' });
  const parkedOf = async ({ key }: Create) => (await listParked(kit.db)).find(({ recordKey }) => recordKey === key);

  const BEGUN = 'payflow.payment.requires_action.v1';
  const REFUSED = 'payflow.capture.failed.v1 command_malformed';
  const DISCARDED = ['payflow.cancellation.failed.v1 discarded', 'payflow.capture.failed.v1 discarded'];
  const CANCELED = ['payflow.payment.canceled.v1', 'payflow.cancellation.succeeded.v1'];

  it('that came damaged has failed, and lets the next one pass', async () => {
    const create = unconfirmed();
    expect(await sentAfter(create, recordOf(create), damaged(capture(create, 2)))).toEqual([BEGUN, REFUSED].sort());
    expect(await sentAfter(create, recordOf(cancel(create, 3)))).toEqual([BEGUN, REFUSED, ...CANCELED].sort());
  });

  it('that came damaged lets those pass that had waited for it, or came with it', async () => {
    const create = unconfirmed();
    const [second, third, fourth] = [capture(create, 2), capture(create, 3), cancel(create, 4)];
    expect(await sentAfter(create, recordOf(create), recordOf(fourth))).toEqual([BEGUN]);
    expect(await sentAfter(create, damaged(third))).toEqual([BEGUN, REFUSED].sort());
    expect(await sentAfter(create, damaged(second), damaged(second))).toEqual(
      [BEGUN, REFUSED, REFUSED, ...CANCELED].sort(),
    );
  });

  it('that comes before its payment fails with it where that came damaged, and nothing waits for ever', async () => {
    const create = unconfirmed();
    expect(await sentAfter(create, recordOf(cancel(create, 2)))).toEqual([]);
    expect(await sentAfter(create, damaged(create, { capture: 7 }))).toEqual([
      'payflow.cancellation.failed.v1 payment_not_cancelable',
      'payflow.payment.failed.v1 command_malformed',
    ]);
    expect(await kit.db.rows(WAITING)).toEqual([]);
  });

  it('that came damaged before its payment is not carried out, and not told either', async () => {
    const create = unconfirmed();
    expect(await sentAfter(create, damaged(capture(create, 2)))).toEqual([]);
    expect(await sentAfter(create, recordOf(create))).toEqual([BEGUN]);
  });

  it('whose number another has is refused, and a copy of one that was carried out is not', async () => {
    const create = unconfirmed();
    const [second, rival] = [cancel(create, 2), capture(create, 2)];
    const done = [BEGUN, ...CANCELED];
    expect(await sentAfter(create, recordOf(create), recordOf(second), recordOf(second))).toEqual(done.toSorted());
    const all = [...done, 'payflow.capture.failed.v1 discarded'].sort();
    expect(await sentAfter(create, recordOf(second), recordOf(rival))).toEqual(all);
    // It is kept like any other: neither is a copy of it told twice.
    expect(await sentAfter(create, recordOf(rival), recordOf(second))).toEqual(all);
    expect((await renderMetrics()).body).toMatch(/outcome="number_taken"} 1\n/);
  });

  it('that an operator discards has failed, and has used up its number', async () => {
    const create = unconfirmed();
    const second = capture(create, 2);
    failing = second.id;
    expect(await sentAfter(create, recordOf(create), recordOf(second))).toEqual([BEGUN]);
    await decide(create, 'discarding');
    await until('it is told', async () => (await sentOf(create)).includes('payflow.capture.failed.v1 discarded'));
    expect(await sentAfter(create, recordOf(cancel(create, 3)))).toEqual(
      [BEGUN, 'payflow.capture.failed.v1 discarded', ...CANCELED].sort(),
    );
  });

  it('that an operator discarded is not carried out when what it waits for comes after that', async () => {
    const create = unconfirmed();
    const [second, third, fourth, fifth] = [
      capture(create, 2),
      capture(create, 3),
      cancel(create, 4),
      cancel(create, 5),
    ];
    failing = second.id;
    await sentAfter(create, recordOf(create), recordOf(second));
    // Behind a parked payment nothing is refused: it may be the whole copy that waits.
    expect(await sentAfter(create, damaged(third), recordOf(fourth))).toEqual([BEGUN]);
    await decide(create, 'discarding');
    await until('the first is told', async () => (await sentOf(create)).includes(DISCARDED[1] as string));
    expect(await sentAfter(create, damaged(third))).toEqual([BEGUN, REFUSED, ...DISCARDED].sort());
    expect(await sentAfter(create, recordOf(fifth))).toEqual([BEGUN, REFUSED, ...DISCARDED, ...CANCELED].sort());
  });

  it('that an operator discarded is not carried out either where it had come before, and waits', async () => {
    const create = unconfirmed();
    const [second, third] = [capture(create, 2), cancel(create, 3)];
    await sentAfter(create, recordOf(create), recordOf(third));
    failing = second.id;
    expect(await sentAfter(create, recordOf(second), recordOf(third))).toEqual([BEGUN]);
    await decide(create, 'discarding');
    await until('both are told', async () => (await sentOf(create)).length === 3);
    expect(await sentOf(create)).toEqual([BEGUN, ...DISCARDED].sort());
  });

  it('that fails behind one that is discarded waits for the operator, who was not shown it', async () => {
    const create = unconfirmed();
    const [second, third] = [capture(create, 2), cancel(create, 3)];
    await sentAfter(create, recordOf(create), recordOf(third));
    failing = second.id;
    await sentAfter(create, recordOf(second));
    failing = third.id;
    await decide(create, 'discarding');
    await until('it waits again', async () => (await parkedOf(create))?.state === 'parked');
    failing = undefined;
    await decide(create, 'releasing');
    await until('it is released', async () => (await parkedOf(create)) === undefined);
    expect(await sentOf(create)).toEqual([BEGUN, 'payflow.capture.failed.v1 discarded', ...CANCELED].sort());
  });

  it('whose payment is parked leaves what was done before as it is: copies of that wait for nobody', async () => {
    const create = unconfirmed();
    const [second, third] = [capture(create, 2), capture(create, 3)];
    const before = await sentAfter(create, recordOf(create), recordOf(second));
    failing = third.id;
    expect(await sentAfter(create, recordOf(third))).toEqual(before);
    failing = undefined;
    expect(await sentAfter(create, recordOf(create), recordOf(second), recordOf(third))).toEqual(before);
    expect((await parkedOf(create))?.waiting).toBe(1);
  });

  it('that comes before its payment waits for it', async () => {
    const create = unconfirmed();
    expect(await sentAfter(create, recordOf(cancel(create, 2)))).toEqual([]);
    expect(await sentAfter(create, recordOf(create))).toEqual([BEGUN, ...CANCELED].sort());
  });
});
