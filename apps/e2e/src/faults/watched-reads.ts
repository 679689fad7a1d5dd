import { uuidOf } from '@payflow/contracts';
import { jsonOf, type ApiClient } from '../house/api-client.js';
import type { House } from '../house/house.js';
import { describe, type Merchant } from '../house/merchant.js';
import type { SentPayment } from '../house/payments.js';
import type { Random } from '../house/random.js';

interface Counters {
  readonly version: string;
  readonly posted_debits_minor: string;
  readonly posted_credits_minor: string;
}

/** What Postgres had at a time, `performance.now()`. */
interface Sample extends Counters {
  readonly at: number;
}

const COUNTERS = `select version, posted_debits_minor, posted_credits_minor from account_views where tenant_id = $1 and id = $2`;
const SAMPLES_MAX = 2_000;

export interface Watched {
  readonly house: House;
  readonly merchant: Merchant;
  /** The process that is asked. */
  readonly api: ApiClient;
  /** Payments whose end their sender knows. */
  readonly ended: () => readonly SentPayment[];
  readonly random: Random;
  /** How old an answer may be, ms; 0: it shows whatever was committed before it was asked for. */
  readonly bound_ms: number;
}

/** Reads by side of the writes, each compared with what Postgres had before and has after it. */
export class WatchedReads {
  /** How long each took, ms, since {@link beginPhase}. */
  took: number[] = [];
  count = 0;
  private readonly samples = new Map<string, Sample[]>();
  private stopped = false;
  private readonly workers: Promise<unknown>;
  private failure: Error | undefined;

  constructor(
    private readonly watched: Watched,
    concurrency: number,
  ) {
    this.workers = Promise.all(Array.from({ length: concurrency }, () => this.work())).catch((error: unknown) => {
      this.failure = error as Error;
    });
  }

  beginPhase(): void {
    this.took = [];
  }

  /** Throws as soon as one answer was wrong. */
  check(): void {
    if (this.failure) throw this.failure;
  }

  async finish(): Promise<void> {
    this.stopped = true;
    await this.workers;
    this.check();
  }

  private async work(): Promise<void> {
    const { merchant, random } = this.watched;
    while (!this.stopped) {
      const ended = this.watched.ended();
      const payment = ended[random.below(ended.length)];
      if (payment && random.below(3) === 0) await this.readPayment(payment);
      else await this.readAccount(merchant.accounts[random.below(merchant.accounts.length)] as string);
      this.count++;
    }
  }

  /** One that has ended never changes: what its sender was told is what everybody sees. */
  private async readPayment({ id = '', final }: SentPayment): Promise<void> {
    const shown = await this.timed(`/api/v1/payments/${id}`);
    const told = JSON.parse(final?.body.toString() ?? '{}') as { payment?: unknown };
    const expected = JSON.stringify(told.payment ?? told);
    if (JSON.stringify(shown) !== expected)
      throw new Error(`payment ${id} is ${expected}, and was shown as ${JSON.stringify(shown)}`);
  }

  private async readAccount(id: string): Promise<void> {
    const { bound_ms } = this.watched;
    await this.sample(id);
    const asked = performance.now();
    const shown = await this.timed(`/api/v1/accounts/${id}`);
    await this.sample(id);
    const samples = this.samples.get(id) ?? [];
    const least = samples.findLast(({ at }) => at <= asked - bound_ms) ?? samples[0];
    const same = samples.find(({ version }) => version === String(shown['version']));
    const wrong =
      Number(shown['version']) < Number(least?.version) ||
      (same &&
        (same.posted_debits_minor !== shown['posted_debits'] || same.posted_credits_minor !== shown['posted_credits']));
    if (wrong)
      throw new Error(
        `account ${id} was shown as ${JSON.stringify(shown)}, where Postgres had ${JSON.stringify(same ?? least)}`,
      );
  }

  private async sample(id: string): Promise<void> {
    const { house, merchant } = this.watched;
    const key = [uuidOf('tenant', merchant.tenant), uuidOf('account', id)];
    const at = performance.now();
    const [row] = await house.databases.rows<Counters>('gateway', COUNTERS, key);
    if (!row) throw new Error(`no view of account ${id}`);
    const samples = this.samples.get(id) ?? [];
    // Known to hold from when it was answered; samples of several readers may come out of order.
    samples.push({ ...row, at: Math.max(at, performance.now()) });
    samples.sort((a, b) => a.at - b.at);
    this.samples.set(id, samples.slice(-SAMPLES_MAX));
  }

  private async timed(path: string): Promise<Record<string, unknown>> {
    const startedAt = performance.now();
    const reply = await this.watched.api.call(path);
    this.took.push(performance.now() - startedAt);
    if (reply.kind !== 'answer' || reply.status !== 200) throw new Error(`${path} was answered ${describe(reply)}`);
    return jsonOf(reply);
  }
}

/** Of these durations, ms. */
export function percentile(took: readonly number[], share: number): number {
  return took.toSorted((a, b) => a - b)[Math.floor(took.length * share)] ?? 0;
}
