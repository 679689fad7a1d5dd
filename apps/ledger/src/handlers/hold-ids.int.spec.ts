import { newId } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { CommandsOf, onAnotherChainThan } from '../testing/commands.js';
import { Processes } from '../testing/processes.js';

const TIMES = 50;
let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
});
afterAll(() => db.drop());

describe.each([1, 2])('one hold id from two partitions at once, in %i processes,', (count) => {
  let processes: Processes;
  beforeAll(() => {
    processes = new Processes(db, count);
  });
  afterAll(() => processes.close());

  it('is the hold of one of them; the other is told that the id is used, and has nothing set aside', async () => {
    const ours = new CommandsOf();
    const payee = newId('account');
    const payer = newId('account');
    const other = onAnotherChainThan(payer);
    const openings = [payer, other, payee].map((id) => ours.open(id, { overdraft: 'unbounded' }));
    await processes.handle(openings);
    for (let time = 0; time < TIMES; time++) {
      const id = newId('hold');
      const asked = [payer, other].map((debit) => ours.hold(debit, payee, '7', { id }));
      const answers = (await Promise.all(asked.map((hold) => processes.handle([hold])))).flat();
      const [placed, refused] = [...answers].sort((a, b) => (a.type < b.type ? -1 : 1));
      expect([placed?.type, refused?.type]).toEqual(['payflow.hold.placed.v1', 'payflow.hold.rejected.v1']);
      expect(refused?.data).toMatchObject({ id, reason: 'id_reused' });
      const winner = (placed?.data as { debit_account: { id: string } }).debit_account.id;
      // What the winner holds is the winner's to post, and nobody else's.
      const loser = winner === payer ? other : payer;
      const posts = [loser, winner].map((debit) => ours.postHold({ id, debit, credit: payee }, '3', false));
      const ends = await processes.handle(posts);
      expect(ends.map(({ type, data }) => ('reason' in data ? data.reason : type))).toEqual([
        'hold_not_found',
        'payflow.hold.posted.v1',
      ]);
    }
    const [state] = await processes.handle([ours.update(payee, {})]);
    expect(state?.data).toMatchObject({ pending_credits: String(4 * TIMES), posted_credits: String(3 * TIMES) });
    expect(await processes.brokenInvariants()).toEqual([]);
  });
});
