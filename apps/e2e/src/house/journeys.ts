import { uuidOf } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { jsonOf } from './api-client.js';
import type { Random } from './random.js';
import { PAYMENTS_PATH, type CardHouse } from './card-house.js';
import { untilAnswered, type Answered } from './wish.js';

/** Answers that something asked of a payment may get: done, refused for its state, not allowed, declined. */
const ALLOWED = [200, 201, 402, 409, 422];
/** Whatever dies meanwhile. */
const PATIENCE_MS = 180_000;

/** How one payment went, as its client knows it. */
export interface Journey {
  readonly payment: string;
  /** Everything that was asked, with its answer, in order. */
  readonly operations: number;
  readonly declined: number;
  /** It was left as it stood, with money set aside: it is to expire. */
  readonly isLeft: boolean;
}

/**
 * A payment by card or between wallets, and what its merchant and its customer's bank do with it afterwards, at random. What goes
 * wrong is the acquirer's to choose.
 */
export class Traveller {
  private operations = 0;
  private declined = 0;
  private isLeft = false;

  constructor(
    private readonly desk: CardHouse,
    private readonly random: Random,
  ) {}

  async travel(): Promise<Journey> {
    const capture = this.random.of(['automatic', 'manual', 'manual_multiple']);
    const isCard = this.random.below(4) > 0;
    let first = await this.begin(isCard, capture);
    if (first.status === 402) first = await this.ask(idOf(first), 'retry', {});
    const id = idOf(first);
    if (statusOf(first) === 'authorized') await this.settle(id, capture);
    if (!this.isLeft && statusOf(first) !== 'failed') await this.lookBack(id, isCard);
    return { payment: id, operations: this.operations, declined: this.declined, isLeft: this.isLeft };
  }

  /** At once, or confirmed, or authorized when it has been looked at. */
  private async begin(isCard: boolean, capture: string): Promise<Answered> {
    const { merchant, clearing } = this.desk;
    const [source, destination] = this.random.pair(merchant.accounts);
    const method = isCard ? { type: 'card', token: 'tok_visa' } : { type: 'internal' };
    const isLater = this.one(8);
    const body = {
      source: isCard ? clearing : source,
      destination,
      amount: `${30_000 + this.random.below(60_000)}`,
      asset: 'USD',
      method,
      capture,
      ...(isLater && { confirm: false }),
    };
    const made = await this.noted(untilAnswered(merchant.api, PAYMENTS_PATH, body, { patience_ms: PATIENCE_MS }));
    if (!isLater) return made;
    return this.ask(idOf(made), this.random.of(['confirm', 'authorize']), {});
  }

  /** Takes what is set aside in one way or another, and leaves nothing set aside; or leaves all of it. */
  private async settle(id: string, capture: string): Promise<void> {
    if (this.one(4)) await this.ask(id, 'increment', { amount: this.part() });
    if (this.one(20)) {
      this.isLeft = true;
      return;
    }
    if (this.one(5)) {
      const { status } = await this.ask(id, 'cancel', {});
      if (status === 200) return;
    }
    if (capture === 'manual_multiple') {
      for (let times = this.random.below(3); times > 0; times--)
        await this.ask(id, 'capture', { amount: this.part(), final: false });
    }
    const { status } = await this.ask(id, 'capture', { amount: this.part(), final: true });
    if (status !== 200) await this.ask(id, 'cancel', {});
  }

  /** The customer has it out with their bank, or is given something back: a few refunds at once, some of which may be too much. */
  private async lookBack(id: string, isCard: boolean): Promise<void> {
    if (isCard && this.one(10)) return this.dispute(id);
    const times = this.random.below(4);
    await Promise.all(Array.from({ length: times }, () => this.ask(id, 'refunds', { amount: this.part() })));
  }

  /** Nothing comes of it where nothing was captured. */
  private async dispute(id: string): Promise<void> {
    const { house, sandbox, merchant } = this.desk;
    const [standing] = await house.databases.rows<{ reference: string | null; captured: string }>(
      'payments',
      'select provider_reference as reference, amount_captured_minor::text as captured from payments where id = $1',
      [uuidOf('payment', id)],
    );
    if (!standing?.reference || standing.captured === '0') return;
    const { id: opened } = await sandbox.openDispute(standing.reference, { amount: standing.captured });
    const ours = await until(
      'the dispute is known',
      async () => {
        const reply = await merchant.api.call(`${PAYMENTS_PATH}/${id}/disputes`);
        return reply.kind === 'answer' && reply.status === 200
          ? jsonOf<{ data: { id: string }[] }>(reply).data[0]?.id
          : undefined;
      },
      PATIENCE_MS,
    );
    const evidence = { receipt: 'It was delivered on Tuesday.' };
    if (this.one(2))
      await this.noted(
        untilAnswered(merchant.api, `/api/v1/disputes/${ours}/evidence`, evidence, { patience_ms: PATIENCE_MS }),
      );
    await sandbox.decideDispute(opened, this.random.of(['won', 'lost']));
  }

  private ask(id: string, operation: string, body: object): Promise<Answered> {
    return this.noted(
      untilAnswered(this.desk.merchant.api, `${PAYMENTS_PATH}/${id}/${operation}`, body, { patience_ms: PATIENCE_MS }),
    );
  }

  private async noted(answer: Promise<Answered>): Promise<Answered> {
    const { status, body } = await answer;
    if (!ALLOWED.includes(status)) throw new Error(`answered ${status} ${JSON.stringify(body)}`);
    this.operations++;
    if (status === 402) this.declined++;
    return { status, body };
  }

  /** Small against what was set aside, so that several fit. */
  private part(): string {
    return String(1 + this.random.below(9_000));
  }

  /** True once in so many times. */
  private one(times: number): boolean {
    return this.random.below(times) === 0;
  }
}

function idOf({ body }: Answered): string {
  const { id, payment } = body as { id?: string; payment?: { id: string } };
  return payment?.id ?? id ?? '';
}

function statusOf({ body }: Answered): string | undefined {
  const { status, payment } = body as { status?: string | number; payment?: { status: string } };
  return payment?.status ?? (typeof status === 'string' ? status : undefined);
}
