import type { Random } from './random.js';
import { PAYMENTS_PATH, type CardHouse } from './card-house.js';
import { untilAnswered, type Answered } from './wish.js';

/** What goes wrong at the acquirer, by the last four digits of the sum: unknown outcomes, news that come twice and late, declines. */
const BAD_ENDINGS = [
  '9001',
  '9002',
  '9022',
  '9023',
  '9024',
  '9025',
  '9026',
  '9027',
  '9028',
  '9029',
  '9030',
  '9032',
] as const;
const BAD_SHARE = 0.3;
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
}

/** A payment by card or between wallets, and what its merchant does with it afterwards, at random. */
export class Traveller {
  private operations = 0;
  private declined = 0;

  constructor(
    private readonly desk: CardHouse,
    private readonly random: Random,
  ) {}

  async travel(): Promise<Journey> {
    const capture = this.random.of(['automatic', 'manual', 'manual_multiple']);
    const isCard = this.random.below(4) > 0;
    const first = await this.noted(this.begin(isCard, capture));
    const id = idOf(first);
    if (first.status === 201) {
      if (capture !== 'automatic') await this.settle(id, capture, isCard);
      await this.giveBack(id);
    }
    return { payment: id, operations: this.operations, declined: this.declined };
  }

  private begin(isCard: boolean, capture: string): Promise<Answered> {
    const { merchant, clearing } = this.desk;
    const [source, destination] = this.random.pair(merchant.accounts);
    const method = isCard ? { type: 'card', token: 'tok_visa' } : { type: 'internal' };
    const body = {
      source: isCard ? clearing : source,
      destination,
      amount: this.amount(),
      asset: 'USD',
      method,
      capture,
    };
    return untilAnswered(merchant.api, PAYMENTS_PATH, body, PATIENCE_MS);
  }

  /** Takes what is set aside in one way or another, and leaves nothing set aside. */
  private async settle(id: string, capture: string, isCard: boolean): Promise<void> {
    if (this.random.below(4) === 0) await this.ask(id, 'increment', { amount: this.amount() });
    if (this.random.below(5) === 0) {
      const { status } = await this.ask(id, 'cancel', {});
      if (status === 200) return;
    }
    if (capture === 'manual_multiple') {
      for (let times = this.random.below(3); times > 0; times--)
        await this.ask(id, 'capture', { amount: this.part(isCard), final: false });
    }
    const { status } = await this.ask(id, 'capture', { amount: this.part(isCard), final: true });
    if (status !== 200) await this.ask(id, 'cancel', {});
  }

  /** A few refunds at once: some of them may be too much. */
  private async giveBack(id: string): Promise<void> {
    const times = this.random.below(4);
    await Promise.all(Array.from({ length: times }, () => this.ask(id, 'refunds', { amount: this.part(true) })));
  }

  private ask(id: string, operation: string, body: object): Promise<Answered> {
    return this.noted(untilAnswered(this.desk.merchant.api, `${PAYMENTS_PATH}/${id}/${operation}`, body, PATIENCE_MS));
  }

  private async noted(answer: Promise<Answered>): Promise<Answered> {
    const { status, body } = await answer;
    if (!ALLOWED.includes(status)) throw new Error(`answered ${status} ${JSON.stringify(body)}`);
    this.operations++;
    if (status === 402) this.declined++;
    return { status, body };
  }

  private amount(): string {
    return `${2 + this.random.below(8)}${this.ending()}`;
  }

  /** Small against what was set aside, so that several fit. */
  private part(mayGoWrong: boolean): string {
    return mayGoWrong && this.random.next() < BAD_SHARE
      ? this.random.of(BAD_ENDINGS)
      : String(1 + this.random.below(8_000));
  }

  private ending(): string {
    return this.random.next() < BAD_SHARE ? this.random.of(BAD_ENDINGS) : '0000';
  }
}

function idOf({ body }: Answered): string {
  const { id, payment } = body as { id?: string; payment?: { id: string } };
  return payment?.id ?? id ?? '';
}
