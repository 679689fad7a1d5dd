import { newId, type AnyMessage } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, effectHandler, paymentCommand, recordOf, testMessage, until } from '@payflow/testing';
import { describe, expect, it } from 'vitest';
import { listParked, requestParked } from '../parking/parking.repository.js';
import { countOverdueWaiting } from './sequence.repository.js';
import type { SubscriptionHandlers } from './handler.js';

configureLogging({ level: 'silent' });

const WAITING = statement('spec.waiting', 'select sequence from waiting_commands order by sequence');
const BLOCKED = statement(
  'spec.blocked',
  `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
);
const USED = statement('spec.used', 'select used from command_sequences');
const TALLY = statement('spec.tally', 'select coalesce(sum(messages), 0)::integer as messages from received_tallies');
const FIRSTS = statement('spec.firsts', 'select record_key as key from effects where sequence = 1');
const WISH = { actor: 'ops', reason: 'spec' };

/** As payments do it: the first command of a subject shows in what it made. */
const begun: SubscriptionHandlers['begun'] = async (messages, tx) => {
  const keys = new Set((await tx.rows<{ key: string }>(FIRSTS)).map(({ key }) => key));
  return messages.filter(({ key }) => keys.has(key));
};

function commandsOf(payment: string, count: number): AnyMessage[] {
  return Array.from({ length: count }, (_, at) => paymentCommand(payment, at + 1));
}

describe.concurrent('commands of one payment', () => {
  it('are applied in sequence, however they come, and park nothing', async () => {
    const kit = await ReaderKit.open('payments.commands');
    const payment = newId('payment');
    const [first, second, third, fourth] = commandsOf(payment, 4) as [AnyMessage, AnyMessage, AnyMessage, AnyMessage];
    await kit.start({ handle: effectHandler('a'), begun });
    await kit.send([third, fourth]);
    await kit.untilRead();
    expect(await kit.effects()).toEqual([]);
    expect(await kit.db.rows(WAITING)).toEqual([{ sequence: 3 }, { sequence: 4 }]);
    expect(await listParked(kit.db)).toEqual([]);
    expect(await countOverdueWaiting(kit.db, kit.group, 60_000)).toBe(0);
    expect(await countOverdueWaiting(kit.db, kit.group, 0)).toBe(2);

    await kit.send([first]);
    await kit.effectsWhen(1);
    await kit.send([second]);
    const effects = await kit.effectsWhen(4);
    expect(effects.map(({ eventId }) => eventId)).toEqual([first, second, third, fourth].map(({ id }) => id));
    expect(await kit.db.rows(WAITING)).toEqual([]);
    expect(await kit.db.rows(USED)).toEqual([{ used: 4 }]);
    expect(await kit.db.rows(TALLY)).toEqual([{ messages: 4 }]);

    // Copies have the sequence as their mark.
    await kit.send([second, fourth, third]);
    await kit.untilRead();
    expect((await kit.effects()).length).toBe(4);
    await kit.close();
  });

  it('are put in order within one batch too', async () => {
    const kit = await ReaderKit.open('payments.commands');
    const commands = commandsOf(newId('payment'), 5);
    await kit.send([4, 2, 0, 3, 1, 2].map((at) => commands[at] as AnyMessage));
    await kit.start({ handle: effectHandler('a'), begun });
    const effects = await kit.effectsWhen(5);
    expect(effects.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
    await kit.untilRead();
    expect((await kit.effects()).length).toBe(5);
    await kit.close();
  });

  it('of two under one number the first is applied and the other never', async () => {
    const kit = await ReaderKit.open('payments.commands');
    const [first, second] = commandsOf(newId('payment'), 2) as [AnyMessage, AnyMessage];
    const rival = testMessage('payflow.payment.create.v1', {
      ...(second as AnyMessage<'payflow.payment.create.v1'>).data,
    });
    await kit.send([second, rival, first]);
    await kit.start({ handle: effectHandler('a'), begun });
    await kit.untilRead();
    expect((await kit.effects()).map(({ eventId }) => eventId)).toEqual([first.id, second.id]);
    await kit.close();
  });

  it('let the one that fails wait for an operator, not the one it waited for', async () => {
    const kit = await ReaderKit.open('payments.commands');
    const [first, second, third] = commandsOf(newId('payment'), 3) as [AnyMessage, AnyMessage, AnyMessage];
    let isBroken = true;
    const handle = effectHandler('a', (messages) => {
      if (isBroken && messages.some(({ id }) => id === third.id)) throw new TypeError('a bug');
    });
    await kit.start({ handle, begun });
    await kit.send([first, third]);
    await kit.untilRead();
    await kit.send([second]);
    await kit.untilRead();
    expect((await kit.effects()).map(({ sequence }) => sequence)).toEqual([1, 2]);
    const [parked] = await listParked(kit.db);
    expect(parked).toMatchObject({ recordKey: first.key, waiting: 1 });
    isBroken = false;
    await requestParked(
      kit.db,
      { group: kit.group, tenant: first.tenant, recordKey: first.key },
      { state: 'releasing', ...WISH },
    );
    const effects = await kit.effectsWhen(3);
    expect(effects.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    await until('nothing is parked', async () => (await listParked(kit.db)).length === 0);
    await kit.close();
  });

  it('bring along what was set to wait while they waited for the lock', async () => {
    const kit = await ReaderKit.open('payments.commands');
    const [first, second, third] = commandsOf(newId('payment'), 3) as [AnyMessage, AnyMessage, AnyMessage];
    let isBroken = true;
    const [released, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const handle = effectHandler('a', async (messages) => {
      if (!messages.some(({ id }) => id === first.id)) return;
      if (isBroken) throw new TypeError('a bug');
      released.resolve();
      await mayEnd.promise;
    });
    await kit.start({ handle, begun });
    await kit.send([first, third]);
    await kit.untilRead();
    isBroken = false;
    await requestParked(
      kit.db,
      { group: kit.group, tenant: first.tenant, recordKey: first.key },
      { state: 'releasing', ...WISH },
    );
    // What is released sets the third to wait, under the lock for which the second then waits.
    await released.promise;
    await kit.send([second]);
    await until('the second waits', async () => (await kit.db.rows(BLOCKED)).length > 0);
    mayEnd.resolve();
    const effects = await kit.effectsWhen(3);
    expect(effects.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(await kit.db.rows(WAITING)).toEqual([]);
    await kit.close();
  });

  it('use up the number of one that is discarded', async () => {
    const kit = await ReaderKit.open('payments.commands');
    const [first, second, third] = commandsOf(newId('payment'), 3) as [AnyMessage, AnyMessage, AnyMessage];
    const discarded: string[] = [];
    const handle = effectHandler('a', (messages) => {
      if (messages.some(({ id }) => id === second.id)) throw new TypeError('a bug');
    });
    const discard: SubscriptionHandlers['discard'] = async (messages) => {
      discarded.push(...messages.map(({ id }) => id));
      return { messages: [] };
    };
    await kit.start({ handle, discard, begun });
    await kit.send([first, second]);
    await kit.untilRead();
    await requestParked(
      kit.db,
      { group: kit.group, tenant: first.tenant, recordKey: first.key },
      { state: 'discarding', ...WISH },
    );
    await until('nothing is parked', async () => (await listParked(kit.db)).length === 0);
    await kit.sendTo((await kit.positions()).find(({ nextOffset }) => nextOffset > 0n)?.partition ?? 0, [
      recordOf(third),
    ]);
    const effects = await kit.effectsWhen(2);
    expect(discarded).toEqual([second.id]);
    expect(effects.map(({ sequence }) => sequence)).toEqual([1, 3]);
    await kit.close();
  });
});
