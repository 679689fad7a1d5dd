import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import type { AnyOutgoing } from '@payflow/messaging';
import { createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { Book, EMPTY_BOOKS } from '../domain/book.js';
import { decide, type LedgerCommand, type Verdict } from '../domain/decide.js';
import { overdraftEvents } from '../domain/verdicts/overdraft.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { Processes } from '../testing/processes.js';

const FAR = '2099-01-01T00:00:00.000Z';
const ACCOUNTS = 20;
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

interface Place {
  readonly id: string;
  readonly debit: string;
  readonly credit: string;
}

/** What moves a transfer back. */
const backOf = ({ debit, credit }: Place, id: string): Place => ({ id, debit: credit, credit: debit });

/** Random commands over a few accounts: what they name exists, exists no more, or never did. */
class Commands {
  private readonly ours = new CommandsOf();
  private readonly euros = [newId('account'), newId('account')] as const;
  private readonly accounts = Array.from({ length: ACCOUNTS }, () => newId('account'));
  private readonly holds: Place[] = [{ id: newId('hold'), debit: this.account(0), credit: this.account(1) }];
  private readonly transfers: Place[] = [{ id: newId('transfer'), debit: this.account(0), credit: this.account(1) }];
  private readonly sent: LedgerCommand[] = [];

  constructor(private readonly next: () => number) {}

  openings(): LedgerCommand[] {
    const terms = [
      { overdraft: 'unbounded' },
      { overdraft: 'limited', overdraft_limit: '300' },
      { kind: 'asset' },
      {},
    ] as const;
    const openings = this.accounts.map((id, at) => this.ours.open(id, at === 0 ? terms[0] : terms[1 + (at % 3)]));
    const euros = this.euros.map((id) =>
      this.ours.open(id, { asset: 'EUR', overdraft: 'limited', overdraft_limit: '900' }),
    );
    // The accounts of a batch may be paid from and to in the batch that opens them.
    return [...openings, ...euros, this.ours.transfer(this.account(0), this.account(1), '25')];
  }

  another(): LedgerCommand {
    const command = this.next() % 25 === 0 && this.sent.length > 0 ? this.pick(this.sent) : this.fresh();
    this.sent.push(command);
    return command;
  }

  private fresh(): LedgerCommand {
    const [debit, credit] = [this.account(this.next()), this.account(this.next())];
    const amount = String(this.next() % 400);
    switch (this.next() % 15) {
      case 0:
      case 1:
        return this.remembered(this.transfers, this.ours.transfer(debit, credit, amount), { debit, credit });
      case 2:
      case 3:
        return this.remembered(this.transfers, this.ours.transfer(this.account(0), credit, amount), {
          debit: this.account(0),
          credit,
        });
      case 4:
        return this.group(debit, credit, amount);
      case 5:
      case 6: {
        const expires_at = this.next() % 2 === 0 ? null : FAR;
        return this.remembered(this.holds, this.ours.hold(debit, credit, amount, { expires_at }), { debit, credit });
      }
      case 7:
      case 8:
        return this.ours.postHold(this.pick(this.holds), this.next() % 3 === 0 ? null : amount, this.next() % 2 === 0);
      case 9:
        return this.ours.voidHold(this.pick(this.holds));
      case 10: {
        const original = this.pick(this.transfers);
        const command = this.ours.correct(original, this.next() % 3 === 0 ? null : amount);
        const { replacement, reversal } = command.data;
        this.transfers.push({ ...original, id: replacement.id }, backOf(original, reversal));
        return command;
      }
      case 11: {
        const version = this.next() % 2 === 0 ? null : 1 + (this.next() % 3);
        return this.ours.annotate(this.pick(this.transfers), { note: amount }, version);
      }
      case 12: {
        const original = this.pick(this.transfers);
        const command = this.ours.reverse(original, this.next() % 3 === 0 ? null : amount);
        this.transfers.push(backOf(original, command.data.transfer));
        return command;
      }
      case 13:
        return this.conversion(debit, credit, amount);
      default:
        return this.ours.update(this.account(1 + (this.next() % (ACCOUNTS - 1))), {
          state: this.pick(['open', 'open', 'frozen', 'debits_frozen', 'closed', null] as const),
          metadata: this.next() % 2 === 0 ? { note: amount } : null,
        });
    }
  }

  private group(debit: string, credit: string, amount: string): LedgerCommand {
    const third = this.account(this.next());
    const used = this.next() % 10 === 0 ? { id: this.pick(this.transfers).id } : {};
    const legs = [
      leg(this.account(0), debit, amount, used),
      leg(debit, credit, amount, { up_to: this.next() % 2 === 0 }),
      leg(credit, third, '1'),
    ];
    const conditions =
      this.next() % 3 === 0 ? [{ account: debit, version: null, balance_gte: '-5', balance_lte: '5000' }] : [];
    const mode = this.next() % 3 === 0 ? ({ mode: 'stop_on_first' } as const) : {};
    const command = this.ours.group(legs, { conditions, ...mode });
    this.transfers.push({ id: (legs[0] as { id: string }).id, debit: this.account(0), credit: debit });
    return command;
  }

  private conversion(source: string, source_liquidity: string, source_amount: string): LedgerCommand {
    const [destination_liquidity, destination] = this.next() % 2 === 0 ? this.euros : [this.euros[1], this.euros[0]];
    const rate = { numerator: String(this.next() % 20), denominator: String(1 + (this.next() % 20)) };
    const between = { source, source_liquidity, destination_liquidity, destination };
    const command = this.ours.convert(between, { source_amount, rate });
    this.transfers.push({ id: command.data.transfers[1], debit: destination_liquidity, credit: destination });
    return command;
  }

  private remembered<C extends LedgerCommand>(places: Place[], command: C, sides: Omit<Place, 'id'>): C {
    places.push({ id: command.data.id, ...sides });
    return command;
  }

  private account(at: number): string {
    return this.accounts[at % ACCOUNTS] as string;
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.next() % from.length] as T;
  }
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
        const commands = new Commands(next);
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

describe.each([1, 2])('fifty at once, by %i processes,', (count) => {
  keptBy(count);
  const FIFTY = 50;
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
    expect(await stateOf(payer)).toMatchObject({ pending_debits: '0' });
  });

  it('posts and expiries of one hold around the end of its time: one of them ends it', async () => {
    const { payer, payee } = await funded('100');
    const hold = ours.hold(payer, payee, '100', { expires_at: new Date(Date.now() + 1_000).toISOString() });
    await handle([hold]);
    const place = { id: hold.data.id, debit: payer, credit: payee };
    const ended: AnyOutgoing[] = [];
    await until('its time is over', async () => {
      // More than is held: refused while there is time, and after it for another reason.
      const wave = Array.from({ length: FIFTY }, (_, at) =>
        at % 2 === 0 ? ours.postHold(place, '101') : ours.voidHold(place, true),
      );
      const answers = await all(wave);
      ended.push(...answers.filter(({ type }) => type === 'payflow.hold.voided.v1'));
      return refusals(answers).includes('hold_not_pending');
    });
    expect(ended.map(({ data }) => (data as { status?: string }).status)).toEqual(['expired']);
    expect(await stateOf(payer)).toMatchObject({ pending_debits: '0' });
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
  });

  it('groups that name one transfer id: one of them has it', async () => {
    const { payer, payee } = await funded('100');
    const id = newId('transfer');
    const answers = await all(Array.from({ length: FIFTY }, () => ours.group([leg(payer, payee, '1', { id })])));
    expect(refusals(answers)).toEqual(Array.from({ length: FIFTY - 1 }, () => 'id_reused'));
    expect(await stateOf(payee)).toMatchObject({ posted_credits: '1' });
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
    const BOOKED = statement('spec.booked', 'select count(*)::integer as count from transfers where group_id = $1');
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
