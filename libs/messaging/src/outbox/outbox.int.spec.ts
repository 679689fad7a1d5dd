import { newId, partitionOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, openAccount, until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Messaging } from '../messaging.js';
import type { AnyOutgoing } from '../outgoing.js';
import { claimExpired, republishRange } from './outbox.repository.js';
import type { StagedRows } from './outbox.js';

configureLogging({ level: 'silent' });

const ROWS = statement(
  'spec.rows',
  'select id, message_count as count, published_at as published from outbox order by created_at, id',
);
const OPEN = statement('spec.open', 'select count(*)::integer as open from outbox where published_at is null');
const CLAIMED = statement(
  'spec.claimed',
  'select bool_and(claimed_until > clock_timestamp()) as held, bool_and(xact_id = pg_current_xact_id()) as mine from outbox where published_at is null',
);
const EXPIRE = statement(
  'spec.expire',
  'update outbox set claimed_until = clock_timestamp() where published_at is null',
);
const AHEAD = statement(
  'spec.ahead',
  "update outbox set claimed_until = clock_timestamp() + interval '1 hour' where published_at is null",
);
const origin = { tenant: newId('tenant'), livemode: false, actor: 'spec' };

function commands(count: number, account?: string): AnyOutgoing[] {
  return Array.from({ length: count }, () => {
    const { type, subject, data, id } = openAccount(account);
    return { type, subject, data, id, origin };
  });
}

describe('the outbox', () => {
  let kit: ReaderKit;
  let messaging: Messaging;

  beforeAll(async () => {
    kit = await ReaderKit.open('ledger.commands');
    messaging = await kit.start();
    await until('it can send', () => messaging.health.producing);
  });
  afterAll(() => kit.close());

  const stage = (outgoing: readonly AnyOutgoing[]): Promise<StagedRows> =>
    kit.db.transaction((tx) => messaging.outbox.stage(tx, outgoing, () => undefined));
  const drained = () =>
    until('the outbox is drained', async () => (await kit.db.rows<{ open: number }>(OPEN))[0]?.open === 0);
  const appliedIds = async () => (await kit.effects()).map(({ eventId }) => eventId);

  it('writes one row per target partition in the transaction, claimed by its writer by the clock of the insert', async () => {
    const outgoing = commands(20);
    const staged = await kit.db.transaction(async (tx) => {
      await tx.rows(statement('spec.slow', 'select pg_sleep(0.2)'));
      const result = await messaging.outbox.stage(tx, outgoing, () => undefined);
      expect(await tx.rows(CLAIMED)).toEqual([{ held: true, mine: true }]);
      return result;
    });
    const targets = new Set(outgoing.map(({ data }) => partitionOf((data as { id: string }).id, 2)));
    expect(staged.rows.length).toBe(targets.size);
    expect(await claimExpired(kit.db, 10)).toEqual([]);
    staged.publish();
    await drained();
    await kit.effectsWhen(20);
  });

  it('keeps the order of one key, from the transaction to the reader', async () => {
    const account = newId('account');
    const outgoing = commands(300, account);
    for (let at = 0; at < outgoing.length; at += 10) (await stage(outgoing.slice(at, at + 10))).publish();
    await until(
      'all are applied',
      async () => (await kit.effects()).filter(({ key }) => key === account).length === 300,
    );
    const ids = (await kit.effects()).filter(({ key }) => key === account).map(({ eventId }) => eventId);
    expect(ids).toEqual(outgoing.map(({ id }) => id));
  });

  it('publishes nothing that was rolled back', async () => {
    // The rows of the test before are marked a moment after their effects are there.
    await drained();
    const outgoing = commands(3);
    const failed = kit.db.transaction(async (tx) => {
      await messaging.outbox.stage(tx, outgoing, () => undefined);
      throw new Error('spec');
    });
    await expect(failed).rejects.toThrow('spec');
    expect((await kit.db.rows<{ open: number }>(OPEN))[0]?.open).toBe(0);
  });

  it('sends what a crash left unpublished, once its claim has run out', async () => {
    const before = (await kit.effects()).length;
    const outgoing = commands(30);
    // Committed, and the process gone before it could publish.
    await stage(outgoing);
    await kit.db.count(EXPIRE);
    await kit.effectsWhen(before + 30);
    await drained();
    expect(new Set((await appliedIds()).slice(before))).toEqual(new Set(outgoing.map(({ id }) => id)));
  });

  it('sends what was claimed by a clock that was ahead, and has been set right since', async () => {
    const before = (await kit.effects()).length;
    const outgoing = commands(5);
    await stage(outgoing);
    await kit.db.count(AHEAD);
    await kit.effectsWhen(before + 5);
    await drained();
    expect(new Set((await appliedIds()).slice(before))).toEqual(new Set(outgoing.map(({ id }) => id)));
  });

  it('gives an expired row to one relay only', async () => {
    const other = kit.messaging();
    await stage(commands(10));
    const claims = await Promise.all([
      claimExpired(kit.db, 100),
      kit.db.count(EXPIRE).then(() => claimExpired(kit.db, 100)),
      claimExpired(kit.db, 100),
    ]);
    const ids = claims.flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    await kit.stop(other);
    await kit.db.count(EXPIRE);
    await drained();
  });

  it('sends a span of time again under the same ids, and the reader applies nothing twice', async () => {
    await kit.untilRead();
    const before = await appliedIds();
    const rows = await kit.db.rows<{ count: number }>(ROWS);
    const [from, to] = [new Date(Date.now() - 600_000), new Date(Date.now() + 600_000)];
    const { again } = await republishRange(kit.db, { topic: kit.topic, from, to });
    expect(again).toBe(rows.length);
    await drained();
    await kit.untilRead();
    expect((await appliedIds()).sort()).toEqual(before.sort());
    const [last] = await kit.positions();
    expect(Number(last?.nextOffset)).toBeGreaterThan(0);
  });

  it('sends a batch that is larger than a request in several rows, and combines none beyond what the broker takes', async () => {
    const before = (await kit.effects()).length;
    const account = newId('account');
    const large = Array.from({ length: 60 }, (): AnyOutgoing => {
      const { type, data, id } = openAccount(account);
      const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`key-${at}`, 'ü'.repeat(490)]));
      return { type, subject: account, data: { ...data, metadata }, id, origin } as AnyOutgoing;
    });
    const staged = await Promise.all([stage(large.slice(0, 30)), stage(large.slice(30))]);
    expect(staged.every(({ rows }) => rows.length > 1)).toBe(true);
    for (const { publish } of staged) publish();
    await kit.effectsWhen(before + 60, 30_000);
    await drained();
  });

  it('refuses what no broker would take before it is committed', async () => {
    const { type, data } = openAccount();
    const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`key-${at}`, 'ü'.repeat(500)]));
    const value = { ...data, metadata: { ...metadata, more: 'x' } };
    const outgoing = { type, subject: data.id, data: { ...value, path: '€'.repeat(255) }, origin } as AnyOutgoing;
    await expect(stage([outgoing])).rejects.toThrow(/breaks its schema|larger than/);
  });
});
