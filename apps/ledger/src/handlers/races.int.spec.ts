import { newId } from '@payflow/contracts';
import { statement } from '@payflow/database';
import type { AnyOutgoing } from '@payflow/messaging';
import { createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { Processes } from '../testing/processes.js';

/** So many commands, each in a transaction of its own and with a connection of its own. */
const FIFTY = 50;
/** Holds whose time runs out one after the other, each with a post and an expiry at a time. */
const HOLDS = 20;
/** So long there is to place them. */
const TIME_MS = 3_000;

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations, FIFTY);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
});
afterAll(() => db.drop());

describe.each([1, 2])('fifty at once, by %i processes,', (count) => {
  let processes: Processes;
  beforeAll(() => {
    processes = new Processes(db, count);
  });
  afterAll(() => processes.close());
  const handle = (commands: readonly LedgerCommand[]) => processes.handle(commands);
  const ours = new CommandsOf();

  async function funded(amount: string) {
    const [world, payer, payee] = [newId('account'), newId('account'), newId('account')];
    await handle([
      ours.open(world, { overdraft: 'unbounded' }),
      ours.open(payer),
      ours.open(payee),
      ours.transfer(world, payer, amount),
    ]);
    return { world, payer, payee };
  }

  const all = async (commands: readonly LedgerCommand[]) =>
    (await Promise.all(commands.map((command) => handle([command])))).map(([message]) => message as AnyOutgoing);
  const refusals = (messages: readonly AnyOutgoing[]) =>
    messages.flatMap(({ data }) => ('reason' in data ? [data.reason] : []));
  const stateOf = async (account: string) => {
    const [message] = await handle([ours.update(account, {})]);
    return message?.data as unknown as Record<string, string>;
  };

  it('posts and voids of one hold: one of them ends it', async () => {
    const { payer, payee } = await funded('100');
    const hold = ours.hold(payer, payee, '100');
    await handle([hold]);
    const place = { id: hold.data.id, debit: payer, credit: payee };
    const answers = await all(
      Array.from({ length: FIFTY }, (_, at) => (at % 2 === 0 ? ours.postHold(place, null) : ours.voidHold(place))),
    );
    expect(refusals(answers)).toEqual(Array.from({ length: FIFTY - 1 }, () => 'hold_not_pending'));
    const isPosted = answers.some(({ type }) => type === 'payflow.hold.posted.v1');
    const moved = isPosted ? '100' : '0';
    expect(await stateOf(payer)).toMatchObject({ posted_debits: moved, pending_debits: '0' });
    expect(await stateOf(payee)).toMatchObject({ posted_credits: moved, pending_credits: '0' });
  });

  it('posts and expiries of holds around the end of their time: one of them ends each', async () => {
    const pairs = Array.from({ length: HOLDS }, () => ({ debit: newId('account'), credit: newId('account') }));
    const world = newId('account');
    await handle([
      ours.open(world, { overdraft: 'unbounded' }),
      ...pairs.flatMap(({ debit, credit }) => [ours.open(debit), ours.open(credit)]),
      ...pairs.map(({ debit }) => ours.transfer(world, debit, '100')),
    ]);
    // Their time is short: it runs from here.
    const begun = Date.now();
    const held = pairs.map(({ debit, credit }, at) => {
      const expires_ms = begun + TIME_MS + at * 20;
      const hold = ours.hold(debit, credit, '100', { expires_at: new Date(expires_ms).toISOString() });
      // Of the first a post comes in time, of the last none does; of the others it may.
      const posted_ms = at === 0 ? begun : expires_ms - ((HOLDS - 1 - at) % 5) * 10;
      return { place: { id: hold.data.id, debit, credit }, hold, posted_ms };
    });
    expect(refusals(await handle(held.map(({ hold }) => hold)))).toEqual([]);
    const ends = new Map<string, string[]>(held.map(({ place }) => [place.id, []]));
    await until('each has ended', async () => {
      const pending = held.filter(({ place }) => ends.get(place.id)?.length === 0);
      const wave = pending.flatMap(({ place, posted_ms }, at) => {
        const posts = Date.now() >= posted_ms ? [ours.postHold(place, null)] : [];
        return at % 2 === 0 ? [...posts, ours.voidHold(place, true)] : [ours.voidHold(place, true), ...posts];
      });
      for (const { data } of await all(wave))
        if ('status' in data) ends.get(data.id as string)?.push(data.status as string);
      return [...ends.values()].every((each) => each.length > 0);
    });
    for (const { place } of held) {
      const [end, ...others] = ends.get(place.id) as string[];
      expect(others).toEqual([]);
      const moved = end === 'posted' ? '100' : '0';
      expect(end).toMatch(/^(posted|expired)$/);
      expect(await stateOf(place.debit)).toMatchObject({ posted_debits: moved, pending_debits: '0' });
      expect(await stateOf(place.credit)).toMatchObject({ posted_credits: moved, pending_credits: '0' });
    }
    expect(ends.get(held[0]?.place.id as string)).toEqual(['posted']);
    expect(ends.get(held.at(-1)?.place.id as string)).toEqual(['expired']);
  });

  it('partial posts of one hold: never more than it holds', async () => {
    const { payer, payee } = await funded('100');
    const hold = ours.hold(payer, payee, '100');
    await handle([hold]);
    const place = { id: hold.data.id, debit: payer, credit: payee };
    const answers = await all(Array.from({ length: FIFTY }, () => ours.postHold(place, '7', false)));
    expect(refusals(answers)).toEqual(Array.from({ length: FIFTY - 14 }, () => 'hold_exceeded'));
    expect(await stateOf(payee)).toMatchObject({ posted_credits: '98', pending_credits: '2' });
  });

  it('reversals of one transfer: never more than it moved', async () => {
    const { world, payer } = await funded('100');
    const transfer = ours.transfer(world, payer, '100');
    await handle([transfer]);
    const place = { id: transfer.data.id, debit: world, credit: payer };
    const answers = await all(Array.from({ length: FIFTY }, () => ours.reverse(place, '60')));
    expect(refusals(answers)).toEqual(Array.from({ length: FIFTY - 1 }, () => 'reversal_exceeds_original'));
    expect(await stateOf(payer)).toMatchObject({ posted_debits: '60' });
  });

  it('corrections and reversals of one transfer: one of them has it', async () => {
    const { world, payer } = await funded('100');
    const transfer = ours.transfer(world, payer, '100');
    await handle([transfer]);
    const place = { id: transfer.data.id, debit: world, credit: payer };
    const answers = await all(
      Array.from({ length: FIFTY }, (_, at) =>
        at % 2 === 0 ? ours.correct(place, '40') : ours.reverse(place, at % 4 === 1 ? null : '100'),
      ),
    );
    const lost = refusals(answers);
    expect(lost).toHaveLength(FIFTY - 1);
    const won = answers.find(({ type }) => type === 'payflow.group.posted.v1');
    const isCorrected = won !== undefined && 'corrects' in won.data;
    const corrections = isCorrected ? 'transfer_corrected' : 'reversal_exceeds_original';
    expect(new Set(lost)).toEqual(new Set(['reversal_exceeds_original', corrections]));
    const left = isCorrected
      ? { posted_credits: '240', posted_debits: '100' }
      : { posted_credits: '200', posted_debits: '100' };
    expect(await stateOf(payer)).toMatchObject(left);
  });

  it('changes of metadata on the condition that nobody was first: one was', async () => {
    const { world, payer } = await funded('100');
    const transfer = ours.transfer(world, payer, '100');
    await handle([transfer]);
    const place = { id: transfer.data.id, debit: world };
    const answers = await all(Array.from({ length: FIFTY }, (_, at) => ours.annotate(place, { at: String(at) }, 1)));
    expect(refusals(answers)).toEqual(Array.from({ length: FIFTY - 1 }, () => 'version_differs'));
    const [next] = await handle([ours.annotate(place, {}, 2)]);
    expect(next?.data).toMatchObject({ version: 3 });
  });

  it('transfers on the condition that nobody was first: one was', async () => {
    const { payer, payee } = await funded('100');
    const { version } = await stateOf(payer);
    const condition = { account: payer, version: Number(version), balance_gte: null, balance_lte: null };
    const answers = await all(
      Array.from({ length: FIFTY }, () => ours.group([leg(payer, payee, '1')], { conditions: [condition] })),
    );
    expect(refusals(answers)).toEqual(Array.from({ length: FIFTY - 1 }, () => 'condition_failed'));
    expect(await stateOf(payer)).toMatchObject({ posted_debits: '1', posted_credits: '100' });
    expect(await stateOf(payee)).toMatchObject({ posted_debits: '0', posted_credits: '1' });
  });

  it('groups that name one transfer id: one of them has it', async () => {
    const { payer, payee } = await funded('100');
    const id = newId('transfer');
    const answers = await all(Array.from({ length: FIFTY }, () => ours.group([leg(payer, payee, '1', { id })])));
    expect(refusals(answers)).toEqual(Array.from({ length: FIFTY - 1 }, () => 'id_reused'));
    expect(await stateOf(payee)).toMatchObject({ posted_credits: '1' });
  });

  it('leave the books in order', async () => {
    expect(await processes.brokenInvariants()).toEqual([]);
  });
});
