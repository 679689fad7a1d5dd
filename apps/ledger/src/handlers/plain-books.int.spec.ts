import { uuidOf, type MessageData } from '@payflow/contracts';
import { statement } from '@payflow/database';
import type { AnyOutgoing } from '@payflow/messaging';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import type { Verdict } from '../domain/decide.js';
import { PlainModel, isPlain, type Outcome } from '../testing/plain-model.js';
import { Processes } from '../testing/processes.js';
import { RandomCommands } from '../testing/random-commands.js';

type GroupPosted = MessageData['payflow.group.posted.v1'];

const COMMANDS = 1_000;
const COUNTERS = statement(
  'spec.counters',
  'select posted_debits, posted_credits, pending_debits, pending_credits from accounts where id = $1',
);

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
});
afterAll(() => db.drop());

const isVerdict = ({ type }: Pick<AnyOutgoing, 'type'>): boolean => !type.startsWith('payflow.account.overdraft_');

/** What a verdict says of money. */
function outcomeOf({ type, data }: Verdict): Outcome {
  if ('reason' in data) return { why: data.reason };
  switch (type) {
    case 'payflow.transfer.posted.v1':
    case 'payflow.hold.placed.v1':
      return { amounts: [BigInt((data as { amount: string }).amount)] };
    case 'payflow.hold.posted.v1':
      return { amounts: [BigInt((data as { transferred: string }).transferred)] };
    case 'payflow.group.posted.v1': {
      const { legs, stopped } = data as GroupPosted;
      return { amounts: legs.map(({ amount }) => BigInt(amount)), ...(stopped ? { why: stopped.reason } : {}) };
    }
    default:
      return { amounts: [] };
  }
}

it.each([1, 2])(
  `books in SQL, by %i processes, come with ${COMMANDS} random commands to what the rules say that are written down once more`,
  async (count) => {
    const processes = new Processes(db, count);
    const random = fc.nat({ max: 1_000_000_000 });
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(random), async (stream) => {
        const next = () => stream.next().value as number;
        const commands = new RandomCommands(next);
        const model = new PlainModel();
        let batch = commands.openings().filter(isPlain);
        for (let told = 0; told < COMMANDS; told += batch.length) {
          if (told > 0) batch = Array.from({ length: 1 + (next() % 90) }, () => commands.another()).filter(isPlain);
          const messages = batch.length > 0 ? await processes.handle(batch) : [];
          expect(messages.filter(isVerdict).map((message) => outcomeOf(message as Verdict))).toEqual(
            batch.map((command) => model.outcomeOf(command)),
          );
        }
        for (const [id, { debits, credits, heldDebits, heldCredits }] of model.purses)
          expect(await db.database.rows(COUNTERS, [uuidOf('account', id)]), id).toEqual([
            {
              posted_debits: debits,
              posted_credits: credits,
              pending_debits: heldDebits,
              pending_credits: heldCredits,
            },
          ]);
      }),
      { numRuns: 3 },
    );
    expect(await processes.brokenInvariants()).toEqual([]);
    await processes.close();
  },
);
