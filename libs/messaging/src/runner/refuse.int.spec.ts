import { PARTITIONS, partitionOf, type Refusable } from '@payflow/contracts';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, effectHandler, openAccount, recordOf, until } from '@payflow/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RecordToSend } from '../broker/port.js';
import type { AnyOutgoing } from '../outgoing.js';
import { listParked, requestParked } from '../parking/parking.repository.js';
import { listDeadLetters } from './dead-letter.repository.js';
import type { Refuser } from './handler.js';
import { messagesTotal } from './metrics.js';

configureLogging({ level: 'silent' });

const WISH = { actor: 'ops', reason: 'spec' };

function damaged(command = openAccount(), change: Partial<RecordToSend> = { value: '{"id":' }): RecordToSend {
  return { ...recordOf(command), ...change };
}

function rejection(cause: Refusable): AnyOutgoing {
  const data = { id: cause.subject, reason: 'command_malformed', recorded_at: new Date().toISOString() };
  return { type: 'payflow.account.rejected.v1', subject: cause.subject, data, cause };
}

async function counted(outcome: 'refused' | 'untold'): Promise<number> {
  const { values } = await messagesTotal.get();
  return values.find(({ labels }) => labels.outcome === outcome && labels.group === 'ledger.commands')?.value ?? 0;
}

describe('commands that cannot be decoded', () => {
  let kit: ReaderKit;
  const refuse: Refuser = async (commands) => ({ messages: commands.map(rejection) });

  beforeEach(async () => {
    kit = await ReaderKit.of('ledger.commands', ReaderKit.migrations);
  });
  afterEach(() => kit.close());

  const refusedIds = async () => (await kit.sent()).map(({ causationId }) => causationId);

  it('are refused where they say who asked for what, and alarmed of where they do not', async () => {
    const [first, good, nameless] = [openAccount(), openAccount(), openAccount()];
    const before = { refused: await counted('refused'), untold: await counted('untold') };
    await kit.start({ refuse });
    await kit.sendTo(0, [damaged(first), recordOf(good), damaged(nameless, { key: null })]);
    await kit.untilRead();
    expect((await kit.effects()).map(({ eventId }) => eventId)).toEqual([good.id]);
    expect(await listDeadLetters(kit.db)).toHaveLength(2);
    expect(await refusedIds()).toEqual([first.id]);
    // What its sender was told of needs nobody; of the others somebody has to hear.
    expect((await listDeadLetters(kit.db)).map(({ eventId, state }) => [eventId === first.id, state])).toEqual(
      expect.arrayContaining([
        [true, 'settled'],
        [false, 'dead'],
      ]),
    );
    expect(await counted('refused')).toBe(before.refused + 1);
    expect(await counted('untold')).toBe(before.untold + 1);
  });

  it('that were answered before are no reason for an alarm', async () => {
    const untold = await counted('untold');
    await kit.start({ refuse: async (commands) => ({ messages: [], repeated: commands.map(({ id }) => id) }) });
    await kit.sendTo(0, [damaged()]);
    await kit.untilRead();
    expect(await counted('untold')).toBe(untold);
    expect(await kit.sent()).toEqual([]);
  });

  it('are alarmed of by a reader that has no refusal to write', async () => {
    const untold = await counted('untold');
    await kit.start();
    await kit.sendTo(0, [damaged()]);
    await kit.untilRead();
    expect(await counted('untold')).toBe(untold + 1);
  });

  it('are not refused while their subject is parked: what waits may be the whole copy', async () => {
    const [command, other] = [openAccount(), openAccount()];
    let isBroken = true;
    const handle = effectHandler('a', () => {
      if (isBroken) throw new TypeError('a bug');
    });
    await kit.start({ handle, refuse });
    await kit.send([command]);
    await kit.untilRead();
    await kit.sendTo(partitionOf(command.key, PARTITIONS.single), [damaged(command), damaged(other)]);
    await kit.untilRead();
    expect(await refusedIds()).toEqual([other.id]);

    isBroken = false;
    const subject = { group: 'ledger.commands', tenant: command.tenant, recordKey: command.key };
    await requestParked(kit.db, subject, { state: 'releasing', ...WISH });
    await until('it is released', async () => (await listParked(kit.db)).length === 0);
    expect((await kit.effects()).map(({ eventId }) => eventId)).toEqual([command.id]);
  });
});
