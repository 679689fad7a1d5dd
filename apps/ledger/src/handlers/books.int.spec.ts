import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import type { AnyOutgoing } from '@payflow/messaging';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { Book, EMPTY_BOOKS } from '../domain/book.js';
import { decide, type LedgerCommand, type Verdict } from '../domain/decide.js';
import { overdraftEvents } from '../domain/verdicts/overdraft.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { Processes } from '../testing/processes.js';
import { RandomCommands } from '../testing/random-commands.js';

const COMMANDS = 1_000;

let db: TestDatabase;
let processes: Processes;
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
});
afterAll(() => db.drop());

function keptBy(count: number): void {
  beforeAll(() => {
    processes = new Processes(db, count);
  });
  afterAll(() => processes.close());
}

const handle = (commands: readonly LedgerCommand[]) => processes.handle(commands);

/** What a verdict says, but for the clock. */
function toldBy({ type, data }: Pick<Verdict, 'type' | 'data'>): unknown {
  const legs = 'legs' in data ? { legs: data.legs.map((one) => ({ ...one, effective_at: null })) } : {};
  return { type, ...data, ...legs, recorded_at: null, effective_at: null, changed_at: null };
}

/** What is told beside the verdicts. */
const isOverdraft = ({ type }: Pick<AnyOutgoing, 'type'>): boolean => type.startsWith('payflow.account.overdraft_');

/** One book, kept in memory, that takes the commands one by one and remembers its verdicts by what they are known under. */
class Model {
  private readonly book = new Book(EMPTY_BOOKS, new Date().toISOString());
  private readonly verdicts = new Map<string, unknown>();
  /** What there was to tell of overdrafts. */
  readonly overdrafts: unknown[] = [];

  /** The verdict on a command; the first one again for a copy. */
  told(command: LedgerCommand): unknown {
    const before = this.verdicts.get(command.id);
    if (before) return before;
    const decided = decide(this.book, command);
    const verdict = toldBy(decided);
    const moves = overdraftEvents(this.book.takeOverdrafts(), decided, this.book.now);
    this.overdrafts.push(...moves.map(({ type, data }) => ({ type, ...data, recorded_at: null })));
    // An id is used up by a refusal too.
    if (command.type === 'payflow.transfer.post.v1' || command.type === 'payflow.hold.post.v1')
      this.book.useTransferId(command, command.data.id);
    this.verdicts.set(command.id, verdict);
    return verdict;
  }
}

describe.each([1, 2])('batches in SQL, by %i processes,', (count) => {
  keptBy(count);

  it(`say of ${COMMANDS} random commands what a book in memory says of them one by one`, async () => {
    const random = fc.nat({ max: 1_000_000_000 });
    let overdraftsTold = 0;
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(random), async (stream) => {
        const next = () => stream.next().value as number;
        const commands = new RandomCommands(next);
        const model = new Model();
        let batch = commands.openings();
        let told = 0;
        while (told < COMMANDS) {
          const messages = await handle(batch);
          const verdicts = messages.filter((message) => !isOverdraft(message));
          expect(verdicts.map((message) => toldBy(message as Verdict))).toEqual(batch.map((each) => model.told(each)));
          const overdrafts = messages.filter(isOverdraft);
          expect(overdrafts.map(({ type, data }) => ({ type, ...data, recorded_at: null }))).toEqual(
            model.overdrafts.splice(0),
          );
          overdraftsTold += overdrafts.length;
          told += batch.length;
          // Those that only move posted money are decided from memory.
          const isPlain = next() % 2 === 0;
          batch = Array.from({ length: 1 + (next() % 60) }, () => commands.another()).filter(
            ({ type }) => !isPlain || type === 'payflow.transfer.post.v1' || type === 'payflow.group.post.v1',
          );
        }
      }),
      { numRuns: 3 },
    );
    expect(overdraftsTold).toBeGreaterThan(0);
    expect(await processes.brokenInvariants()).toEqual([]);
  });
});

describe('a group', () => {
  keptBy(1);
  const ours = new CommandsOf();

  it('of a thousand legs that fails on its last one leaves nothing', async () => {
    const [world, wallet] = [newId('account'), newId('account')];
    await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
    const legs = Array.from({ length: 999 }, () => leg(world, wallet, '1'));
    const group = ours.group([...legs, leg(wallet, world, '1000')]);
    const [refused] = await handle([group]);
    expect(refused?.data).toMatchObject({ reason: 'insufficient_funds', leg: 999 });
    const BOOKED = statement(
      'spec.booked-of-group',
      'select count(*)::integer as count from transfers where group_id = $1',
    );
    const KNOWN = statement(
      'spec.known',
      `select count(*)::integer as count from verdicts where kind = 'transfer' and id = $1`,
    );
    const uuid = (legs[0] as { id: string }).id;
    expect(await db.database.rows(BOOKED, [uuidOf('group', group.data.id)])).toEqual([{ count: 0 }]);
    expect(await db.database.rows(KNOWN, [uuidOf('transfer', uuid)])).toEqual([{ count: 0 }]);
    const [posted] = await handle([ours.group([...legs, leg(wallet, world, '999')])]);
    expect(posted?.type).toBe('payflow.group.posted.v1');
  });

  it('of the largest size fits its event', async () => {
    const world = newId('account');
    const wallets = Array.from({ length: 1_000 }, () => newId('account'));
    await handle([ours.open(world, { overdraft: 'unbounded' }), ...wallets.map((id) => ours.open(id))]);
    const legs = wallets.map((id) => leg(world, id, '1000000000000000'));
    const [posted] = await handle([ours.group(legs)]);
    expect(posted?.type).toBe('payflow.group.posted.v1');
    expect(JSON.stringify(posted?.data).length).toBeLessThan(524_288);
  });

  it('is answered again with its first verdict, leg ids and all', async () => {
    const [world, wallet] = [newId('account'), newId('account')];
    await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
    const group = ours.group([leg(world, wallet, '5'), leg(wallet, world, '2')], { metadata: { order: '7' } });
    const [first] = await handle([group]);
    const [again] = await handle([{ ...group, id: newId('event') }]);
    expect(again).toMatchObject({ id: first?.id, data: first?.data, resent: true });
    const stolen = ours.transfer(world, wallet, '5', { id: group.data.legs[0]?.id as string });
    const [refused] = await handle([stolen]);
    expect(refused?.data).toMatchObject({ reason: 'id_reused' });
  });
});
