import { randomBytes } from 'node:crypto';
import { deadLetterTopic, newId, type AnyMessage } from '@payflow/contracts';
import { sqlState, statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, accountRejected, effectHandler, openAccount, recordOf, testMessage, until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkajsBroker } from '../broker/kafkajs/client.js';
import type { RecordToSend } from '../broker/port.js';
import { listParked, requestParked } from '../parking/parking.repository.js';
import { countDeadLetters, discardDeadLetter, listDeadLetters, requestReplay } from './dead-letter.repository.js';

configureLogging({ level: 'silent' });

const WISH = { actor: 'ops', reason: 'spec' };
const DEAD = statement(
  'spec.dead',
  'select error_message as reason, length(record_value) as bytes from dead_letters order by record_offset',
);
const PARKED = statement('spec.parked', 'select event_id from parked_messages order by record_offset');
const UNPUBLISHED = statement(
  'spec.unpublished',
  'select count(*)::integer as open from outbox where published_at is null',
);
const BEHIND_LOG = statement(
  'spec.behind',
  'select stopped_reason as reason from positions where stopped_reason is not null',
);

/** A valid record, changed. */
function broken(change: Partial<RecordToSend>, headers: Record<string, string | Buffer> = {}): RecordToSend {
  const record = recordOf(openAccount());
  return { ...record, ...change, headers: { ...record.headers, ...headers } };
}

function without(header: string): RecordToSend {
  const record = recordOf(openAccount());
  return { ...record, headers: Object.fromEntries(Object.entries(record.headers).filter(([name]) => name !== header)) };
}

const DEEP = `{"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
const manyHeaders = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`x-${at}`, 'y'.repeat(100)]));

/** Records that cannot be decoded, each with the reason it is set aside for. */
const UNDECODABLE: readonly [name: string, record: () => RecordToSend, reason: RegExp][] = [
  ['null value', () => broken({ value: null }), /value_missing/],
  ['null key', () => broken({ key: null }), /key_missing/],
  ['not JSON', () => broken({ value: '{"id":' }), /not_json/],
  ['not UTF-8', () => broken({ value: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]) }), /not_json/],
  ['JSON that is no object', () => broken({ value: '[]' }), /schema/],
  ['wrong schema', () => broken({ value: '{"id":1}' }), /schema/],
  ['nested 20,000 deep', () => broken({ value: DEEP }), /schema|value_too_deep/],
  ['1 MB', () => broken({ value: JSON.stringify({ x: randomBytes(500_000).toString('hex') }) }), /value_too_large/],
  ['missing id', () => without('ce_id'), /id_malformed/],
  ['malformed id with NUL', () => broken({}, { ce_id: 'evt_\0' }), /id_malformed/],
  ['a backslash-u header', () => broken({ value: null }, { 'x-trap': '\\u0000' }), /value_missing/],
  ['key that differs from the payload', () => broken({ key: newId('account') }), /key_differs/],
  ['wrong topic', () => recordOf(accountRejected()), /wrong_topic/],
  ['unknown specversion', () => broken({}, { ce_specversion: '2.0' }), /specversion_unknown/],
  ['missing type', () => without('ce_type'), /type_missing/],
  ['absurd timestamp', () => broken({}, { ce_time: '+275760-09-13T00:00:00.000Z' }), /time_malformed/],
  ['1,000 headers', () => broken({}, manyHeaders), /too_many_headers/],
  ['foreign tenant id', () => broken({}, { ce_tenant: 'org_x' }), /tenant_malformed/],
  ['negative version', () => broken({}, { ce_aggregateversion: '-1' }), /version_malformed/],
];

describe('records that nobody can read', () => {
  let kit: ReaderKit;
  const good = UNDECODABLE.map(() => openAccount());

  beforeAll(async () => {
    kit = await ReaderKit.open('ledger.commands');
    const mixed = UNDECODABLE.flatMap(([, record], at) => [record(), recordOf(good[at] as AnyMessage)]);
    // Singly, for the large ones: a batch would be larger than the broker takes.
    for (const record of mixed) await kit.sendTo(0, [record]);
    await kit.start();
    await kit.untilRead();
  });
  afterAll(() => kit.close());

  it.each(UNDECODABLE.map(([name, , reason], at) => ({ name, reason, at })))(
    '$name: is dead-lettered',
    async ({ reason, at }) => {
      const letters = await kit.db.rows<{ reason: string }>(DEAD);
      expect(letters[at]?.reason).toMatch(reason);
    },
  );

  it('are each kept once and whole, while all others flow', async () => {
    const letters = await kit.db.rows<{ bytes: number | null }>(DEAD);
    expect(letters.length).toBe(UNDECODABLE.length);
    expect(Math.max(...letters.map(({ bytes }) => bytes ?? 0))).toBeGreaterThan(1_000_000);
    expect((await kit.effects()).map(({ eventId }) => eventId)).toEqual(good.map(({ id }) => id));
  });

  it('are copied to the dead-letter topic, whatever their size', async () => {
    await until('the outbox is drained', async () => (await kit.db.rows<{ open: number }>(UNPUBLISHED))[0]?.open === 0);
    expect(await lengthOf(kit, deadLetterTopic('ledger.commands'))).toBe(UNDECODABLE.length);
  });
});

describe.concurrent('a handler that throws', () => {
  it('parks the subject of a TypeError, lets others flow, and applies in order what is released', async () => {
    const kit = await ReaderKit.open('ledger.commands');
    const poison = openAccount();
    const behind = [1, 2, 3].map(() => testMessage(poison.type, poison.data, { key: poison.key }));
    const others = Array.from({ length: 40 }, () => openAccount());
    let isBroken = true;
    const handle = effectHandler('a', (messages) => {
      if (isBroken && messages.some(({ id }) => id === poison.id)) throw new TypeError('a bug');
    });
    await kit.start({ handle });
    await kit.send([...others.slice(0, 20), poison, behind[0] as AnyMessage, ...others.slice(20)]);
    await kit.untilRead();
    await kit.send(behind.slice(1));
    await kit.untilRead();
    expect((await kit.effects()).map(({ eventId }) => eventId).sort()).toEqual(others.map(({ id }) => id).sort());
    // published = applied + parked
    expect((await kit.db.rows(PARKED)).length).toBe(1 + behind.length);
    const [parked] = await listParked(kit.db);
    expect(parked).toMatchObject({
      group: 'ledger.commands',
      recordKey: poison.key,
      errorClass: 'TypeError',
      waiting: 4,
    });

    isBroken = false;
    const { group, tenant, recordKey } = parked as NonNullable<typeof parked>;
    expect(await requestParked(kit.db, { group, tenant, recordKey }, { state: 'releasing', ...WISH })).toBe(true);
    const effects = await kit.effectsWhen(44);
    expect(effects.filter(({ key }) => key === poison.key).map(({ eventId }) => eventId)).toEqual(
      [poison, ...behind].map(({ id }) => id),
    );
    await until('the mark is lifted', async () => (await listParked(kit.db)).length === 0);
    await kit.close();
  });

  it('parks a subject again when its release fails again, and applies what came before the poison', async () => {
    const kit = await ReaderKit.open('ledger.commands');
    const first = openAccount();
    const second = testMessage(first.type, first.data);
    const broken = new Set([first.id, second.id]);
    const handle = effectHandler('a', (messages) => {
      if (messages.some(({ id }) => broken.has(id))) throw new RangeError('a bug');
    });
    await kit.start({ handle });
    await kit.send([first, second]);
    await kit.untilRead();
    broken.delete(first.id);
    const subject = { group: 'ledger.commands', tenant: first.tenant, recordKey: first.key };
    await requestParked(kit.db, subject, { state: 'releasing', ...WISH });
    await kit.effectsWhen(1);
    await until('the rest is parked again', async () => {
      const [parked] = await listParked(kit.db);
      return parked?.state === 'parked' && parked.waiting === 1;
    });
    expect((await kit.effects()).map(({ eventId }) => eventId)).toEqual([first.id]);
    await kit.close();
  });

  it('writes the refusal of a discarded subject, and refuses to discard where there is none to write', async () => {
    const kit = await ReaderKit.open('ledger.commands');
    const poison = openAccount();
    const refused: string[] = [];
    const handle = () => {
      throw new TypeError('a bug');
    };
    const subject = { group: 'ledger.commands', tenant: poison.tenant, recordKey: poison.key };
    const reader = await kit.start({ handle });
    await kit.send([poison]);
    await kit.untilRead();
    await requestParked(kit.db, subject, { state: 'discarding', ...WISH });
    await until('it is parked again', async () => (await listParked(kit.db))[0]?.errorClass === 'not_discardable');
    await kit.stop(reader);

    await kit.start({
      handle,
      discard: async (messages) => {
        refused.push(...messages.map(({ id }) => id));
        return { messages: [] };
      },
    });
    await requestParked(kit.db, subject, { state: 'discarding', ...WISH });
    await until('nothing is parked', async () => (await listParked(kit.db)).length === 0);
    expect(refused).toEqual([poison.id]);
    await kit.close();
  });

  it('dead-letters alone where order protects nothing, and applies it when it is replayed', async () => {
    const kit = await ReaderKit.open('gateway.accounts');
    const poison = accountRejected();
    const sameKey = testMessage(poison.type, poison.data);
    let isBroken = true;
    const handle = effectHandler('a', (messages) => {
      if (isBroken && messages.some(({ id }) => id === poison.id)) throw new TypeError('a bug');
    });
    await kit.start({ handle });
    await kit.send([poison, sameKey]);
    await kit.untilRead();
    expect((await kit.effects()).map(({ eventId }) => eventId)).toEqual([sameKey.id]);
    const [letter] = await listDeadLetters(kit.db);
    expect(letter).toMatchObject({ eventId: poison.id, errorClass: 'TypeError', attempts: 2, state: 'dead' });

    const { partition, offset } = letter as NonNullable<typeof letter>;
    const place = { group: 'gateway.accounts' as const, partition, offset: Number(offset) };
    expect(await requestReplay(kit.db, place, WISH)).toBe(true);
    await until('it failed again', async () => (await listDeadLetters(kit.db))[0]?.attempts === 3);
    isBroken = false;
    await requestReplay(kit.db, place, WISH);
    await kit.effectsWhen(2);
    await until('it is replayed', async () => (await listDeadLetters(kit.db))[0]?.state === 'replayed');
    // A copy that comes later is recognised.
    await kit.send([poison]);
    await kit.untilRead();
    expect((await kit.effects()).length).toBe(2);
    await kit.close();
  });

  it('a record that can never be applied is told of no more once somebody has said so, and the next of its key flow on', async () => {
    const kit = await ReaderKit.open('gateway.accounts');
    const poison = accountRejected();
    const handle = effectHandler('a', (messages) => {
      if (messages.some(({ id }) => id === poison.id)) throw new TypeError('a bug');
    });
    await kit.start({ handle });
    await kit.send([poison]);
    await kit.untilRead();
    // A copy of it, which nobody wants to discard as well.
    await kit.send([poison]);
    await kit.untilRead();
    const [letter] = await listDeadLetters(kit.db);
    const { partition, offset } = letter as NonNullable<typeof letter>;
    const place = { group: 'gateway.accounts' as const, partition, offset: Number(offset) };
    expect(await countDeadLetters(kit.db, 'gateway.accounts')).toBe(2);
    expect(await discardDeadLetter(kit.db, place, WISH)).toBe(true);
    expect(await countDeadLetters(kit.db, 'gateway.accounts')).toBe(0);
    const after = [await discardDeadLetter(kit.db, place, WISH), await requestReplay(kit.db, place, WISH)];
    expect(after).toEqual([false, false]);
    expect(await listDeadLetters(kit.db)).toMatchObject(
      Array(2).fill({ state: 'settled', actor: WISH.actor, reason: `discarded: ${WISH.reason}` }),
    );
    await kit.close();
  });

  it('backs off from what may be the weather, for as long as it lasts, and parks nothing', async () => {
    const kit = await ReaderKit.open('ledger.commands');
    let storms = 6;
    const handle = effectHandler('a', () => {
      if (storms-- > 0) throw new Error('no connection');
    });
    await kit.start({ handle });
    const messages = Array.from({ length: 10 }, () => openAccount());
    await kit.send(messages);
    await kit.untilRead();
    expect((await kit.effects()).length).toBe(10);
    expect(await listParked(kit.db)).toEqual([]);
    await kit.close();
  });

  it('tries a lone message twice: what a race broke the first time is not poison', async () => {
    const kit = await ReaderKit.open('ledger.commands');
    let races = 1;
    const handle = effectHandler('a', () => {
      if (races-- > 0) throw Object.assign(new Error('duplicate key'), { code: '23505' });
    });
    await kit.start({ handle });
    await kit.send([openAccount()]);
    await kit.untilRead();
    expect((await kit.effects()).length).toBe(1);
    expect(await listParked(kit.db)).toEqual([]);
    await kit.close();
  });

  it('runs a batch again that lost a deadlock', async () => {
    const kit = await ReaderKit.open('ledger.commands');
    const LOCK = statement('spec.lock', 'select pg_advisory_xact_lock($1)');
    const states: (string | undefined)[] = [];
    const crossing = Promise.withResolvers<void>();
    const handle = effectHandler('a', async (_messages, tx) => {
      try {
        await tx.rows(LOCK, [1]);
        const second = tx.rows(LOCK, [2]);
        // Asked for after the handler's lock, so that the handler is the one to find the circle.
        setTimeout(crossing.resolve, 100);
        await second;
      } catch (error) {
        states.push(sqlState(error));
        throw error;
      }
    });
    const rival = kit.db.transaction(async (tx) => {
      await tx.rows(LOCK, [2]);
      await crossing.promise;
      await tx.rows(LOCK, [1]);
    });
    await kit.start({ handle });
    await kit.send([openAccount()]);
    await kit.effectsWhen(1);
    await rival;
    expect(states).toEqual(['40P01']);
    expect(await listParked(kit.db)).toEqual([]);
    await kit.close();
  });
});

describe.concurrent('a message of a newer publisher', () => {
  it('stops its partition behind what came before it, while the other partition flows', async () => {
    const kit = await ReaderKit.open('ledger.commands');
    const before = openAccount();
    const newer = broken({}, { ce_type: 'payflow.account.open.v2' });
    const elsewhere = openAccount();
    await kit.start();
    await kit.sendTo(0, [recordOf(before), newer, recordOf(openAccount())]);
    await kit.sendTo(1, [recordOf(elsewhere)]);
    await kit.effectsWhen(2);
    const [stop] = await until('the partition is stopped', async () => {
      const rows = await kit.db.rows<{ reason: string }>(BEHIND_LOG);
      return rows.length > 0 && rows;
    });
    expect(stop?.reason).toMatch(/^newer_message: payflow.account.open.v2 at offset 1/);
    expect((await kit.effects()).map(({ eventId }) => eventId).sort()).toEqual([before.id, elsewhere.id].sort());
    expect(await listDeadLetters(kit.db)).toEqual([]);
    await kit.close();
  });

  it('of an unknown type stops a command topic, and is skipped on an event topic', async () => {
    const [commands, events] = await Promise.all([
      ReaderKit.open('ledger.commands'),
      ReaderKit.open('gateway.accounts'),
    ]);
    const unknown = broken({}, { ce_type: 'payflow.account.frobnicate.v1' });
    await Promise.all([commands.start(), events.start()]);
    await commands.sendTo(0, [unknown]);
    await until('the command topic is stopped', async () => (await commands.db.rows(BEHIND_LOG)).length === 1);
    await events.sendTo(0, [unknown, recordOf(accountRejected())]);
    await events.untilRead();
    expect((await events.effects()).length).toBe(1);
    await Promise.all([commands.close(), events.close()]);
  });
});

async function lengthOf(kit: ReaderKit, topic: string): Promise<number> {
  const admin = await kafkajsBroker(kit.broker).admin();
  const offsets = await admin.offsets(topic);
  await admin.close();
  return offsets.reduce((sum, { high }) => sum + high, 0);
}
