import { uuidOf, type AnyMessage, type Message } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant } from '@payflow/invariants';
import { configureLogging } from '@payflow/telemetry';
import { createTestDatabase, testMessage, type TestDatabase } from '@payflow/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { moneyOfDisputesMovesOnce } from '../database/dispute-invariants.js';
import { migrations } from '../database/index.js';
import { DisputeStage, transfersOf } from '../testing/dispute-stage.js';

configureLogging({ level: 'silent' });

const COPIES = 50;
const RUNS = 25;

const UNBOOK = statement(
  'spec.unbook-leg',
  `update dispute_legs set status = 'refused', reason = 'spec' where dispute_id = typeid_uuid($1)`,
);

type Create = Message<'payflow.payment.create.v1'>;

let db: TestDatabase;
let stage: DisputeStage;

beforeAll(async () => {
  db = await createTestDatabase('payments', migrations);
  stage = new DisputeStage(db.database);
});
afterAll(() => db.drop());

const sweepOf = (payment: Create, dispute: string) =>
  testMessage('payflow.dispute.sweep.v1', { id: payment.data.id, dispute }, { tenant: payment.tenant });

describe('whatever the order', () => {
  it('fifty copies of a notice at once open one dispute and take its money once', async () => {
    const payment = await stage.payment();
    const notice = stage.notice(payment, 'dispute_opened');
    const sent = await Promise.all(Array.from({ length: COPIES }, () => stage.take([notice])));
    expect(transfersOf(sent.flat())).toHaveLength(1);
    expect(await stage.disputes(payment)).toMatchObject([{ version: 1, disputed: 40 }]);
    expect(await stage.evidence(payment)).toHaveLength(1);
  });

  it('fifty notices of opening, win and loss at once: money leaves once, and comes back once at most', async () => {
    const payment = await stage.payment();
    const kinds = ['dispute_opened', 'dispute_won', 'dispute_lost'] as const;
    const sent = await Promise.all(
      Array.from({ length: COPIES }, (_, at) =>
        stage.take([stage.notice(payment, kinds[at % 3] as (typeof kinds)[0])]),
      ),
    );
    await settle(transfersOf(sent.flat()));
    const [dispute] = await stage.disputes(payment);
    expect(await stage.disputes(payment)).toHaveLength(1);
    expect(dispute).toMatchObject(
      dispute?.status === 'won'
        ? { leg: 'returned', outs: 1, backs: 1 }
        : { status: 'lost', leg: 'taken', outs: 1, backs: 0 },
    );
  });

  it('any order of notices, verdicts, repeats and refusals ends with the books as the provider has them', async () => {
    const step = fc.constantFrom('opened', 'decided', 'verdict', 'refusal', 'again', 'sweep');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('won' as const, 'lost' as const),
        fc.array(step, { maxLength: 12 }),
        async (end, steps) => {
          const payment = await stage.payment();
          const play = new Play(payment, end);
          for (const each of steps) await play.do(each);
          await play.finish();
          const [dispute, ...others] = await stage.disputes(payment);
          expect(others).toEqual([]);
          expect(dispute?.status).toBe(end);
          if (end === 'lost') expect(dispute).toMatchObject({ leg: 'taken', outs: 1, backs: 0, disputed: 40 });
          else if (dispute?.leg === 'waived') expect(dispute).toMatchObject({ outs: 0, backs: 0, disputed: 0 });
          else expect(dispute).toMatchObject({ leg: 'returned', outs: 1, backs: 1, disputed: 0 });
          expect(dispute?.version).toBe(dispute?.transitions);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('and where the payment ends with nothing captured, whenever that is, all that was taken is given back', async () => {
    const step = fc.constantFrom('decided', 'verdict', 'refusal', 'again', 'sweep', 'ended');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('won' as const, 'lost' as const),
        fc.array(step, { maxLength: 12 }),
        async (end, steps) => {
          const payment = await stage.payment();
          const play = new Play(payment, end);
          for (const each of ['opened', ...steps, 'ended']) await play.do(each);
          await play.finish();
          const [dispute] = await stage.disputes(payment);
          expect(dispute).toMatchObject(
            dispute?.leg === 'waived' ? { outs: 0, backs: 0 } : { leg: 'returned', outs: 1, backs: 1 },
          );
          expect([dispute?.status, dispute?.version]).toEqual([end, dispute?.transitions]);
        },
      ),
      { numRuns: RUNS },
    );
  });
});

it('leaves nothing behind that the invariants object to', async () => {
  expect(await checkInvariant(db.database, moneyOfDisputesMovesOnce, 'full')).toMatchObject({ violations: 0 });
});

it('is objected to where a movement is not what the dispute says', async () => {
  const payment = await stage.payment();
  await settle(transfersOf(await stage.take([stage.notice(payment, 'dispute_opened')])));
  const [{ id = '' } = {}] = await stage.disputes(payment);
  await db.database.count(UNBOOK, [id]);
  for (const form of ['running', 'full'] as const) {
    const { sample } = await checkInvariant(db.database, moneyOfDisputesMovesOnce, form);
    expect(sample).toContainEqual(expect.stringContaining('is taken with 0 out and 0 back'));
  }
});

/** Books what was asked for, and what is asked for then, until nothing is. */
async function settle(transfers: ReturnType<typeof transfersOf>): Promise<void> {
  for (let open = transfers; open.length > 0;)
    open = transfersOf(await stage.hear(open.map((each) => stage.verdict(each))));
}

/** One dispute, heard of in some order. */
class Play {
  readonly #sent: AnyMessage[] = [];
  readonly #open = new Map<string, ReturnType<typeof transfersOf>[0]>();

  constructor(
    private readonly payment: Create,
    private readonly end: 'won' | 'lost',
  ) {}

  async do(step: string): Promise<void> {
    switch (step) {
      case 'opened':
        return this.#take(stage.notice(this.payment, 'dispute_opened'));
      case 'decided':
        return this.#take(stage.notice(this.payment, `dispute_${this.end}`));
      // As if its provider had said at last that it took nothing.
      case 'ended':
        return db.tamper(
          `update payments set status = 'failed', failure_code = 'card_declined', amount_captured_minor = 0 where id = '${uuidOf('payment', this.payment.data.id)}'`,
        );
      case 'again':
        return this.#sent.length > 0 ? this.#take(this.#sent.at(-1) as AnyMessage) : undefined;
      case 'sweep': {
        const [dispute] = await stage.disputes(this.payment);
        return dispute ? this.#take(sweepOf(this.payment, dispute.id)) : undefined;
      }
      default:
        return this.#verdict(step === 'refusal' ? 'insufficient_funds' : undefined);
    }
  }

  async finish(): Promise<void> {
    await this.do('opened');
    await this.do('decided');
    for (let before = ''; ;) {
      while (this.#open.size > 0) await this.#verdict(undefined);
      await this.do('sweep');
      const now = JSON.stringify(await stage.disputes(this.payment));
      if (this.#open.size === 0 && now === before) return;
      before = now;
    }
  }

  async #take(message: AnyMessage): Promise<void> {
    this.#sent.push(message);
    this.#note(await stage.take([message]));
  }

  async #verdict(reason: string | undefined): Promise<void> {
    const [id, transfer] = [...this.#open][0] ?? [];
    if (id === undefined || transfer === undefined) return;
    this.#open.delete(id);
    const verdict = stage.verdict(transfer, reason);
    this.#note(await stage.hear([verdict]));
    // What is delivered twice moves nothing more.
    expect(await stage.hear([verdict])).toEqual([]);
  }

  #note(messages: Awaited<ReturnType<typeof stage.take>>): void {
    for (const transfer of transfersOf(messages)) this.#open.set(transfer.id, transfer);
  }
}
