import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '@payflow/contracts';
import type { Reply } from './api-client.js';
import { describe, type Merchant, type PaymentBody } from './merchant.js';
import type { Random } from './random.js';

/** One payment as its sender knows it. */
export interface SentPayment {
  readonly idempotencyKey: string;
  readonly body: PaymentBody;
  /** Id of the resource, from the first answer. */
  id: string | undefined;
  /** Answers that promise: 201, 202 and 402. The first of them counts; what comes after may only confirm it. */
  acknowledged: number;
  /** Requests that taught nothing. */
  unknown: number;
  /** The final answer, byte for byte the same whenever it is given. */
  final: { readonly status: 201 | 402; readonly body: Buffer } | undefined;
}

const PAYMENTS_PATH = '/api/v1/payments';
const RETRY_MS_MIN = 25;
const RETRY_MS_MAX = 500;
/** One in so many is sent from an account without money. */
const POOR_ONE_IN = 20;
const AMOUNT_MAX = 10_000;

export function newPayment(merchant: Merchant, random: Random): SentPayment {
  const [one, other] = random.pair(merchant.accounts);
  const source = random.below(POOR_ONE_IN) === 0 ? merchant.pauper : one;
  const body: PaymentBody = {
    source,
    // A merchant that pays between few accounts has one of them for its pauper.
    destination: other === source ? one : other,
    amount: String(1 + random.below(AMOUNT_MAX)),
    asset: 'USD',
    method: { type: 'internal' },
  };
  return { idempotencyKey: newId('event'), body, id: undefined, acknowledged: 0, unknown: 0, final: undefined };
}

/** Sends it once and notes what the answer teaches. Throws on an answer that no payment of ours may get. */
export async function sendOnce(merchant: Merchant, payment: SentPayment, wait_s?: number): Promise<Reply> {
  const reply = await merchant.api.call(PAYMENTS_PATH, {
    body: JSON.stringify(payment.body),
    idempotencyKey: payment.idempotencyKey,
    ...(wait_s === undefined ? {} : { wait_s }),
  });
  learn(payment, reply);
  return reply;
}

function learn(payment: SentPayment, reply: Reply): void {
  if (reply.kind === 'unknown') {
    payment.unknown++;
    return;
  }
  const { status, body } = reply;
  if (status !== 201 && status !== 202 && status !== 402) throw new Error(`a payment was answered ${describe(reply)}`);
  payment.acknowledged++;
  const resource = JSON.parse(body.toString('utf8')) as { id?: string; payment?: { id: string } };
  const id = resource.payment?.id ?? resource.id ?? '';
  if (payment.id !== undefined && payment.id !== id) throw new Error(`one key, two payments: ${payment.id} and ${id}`);
  payment.id = id;
  if (status === 202) {
    if (payment.final) throw new Error(`${id} was final and is answered 202 now`);
    return;
  }
  if (payment.final && (payment.final.status !== status || !payment.final.body.equals(body)))
    throw new Error(
      `${id} was answered twice, and differently: ${payment.final.body.toString()} then ${body.toString()}`,
    );
  payment.final ??= { status, body };
}

/** Sends it again and again under its key until its end is known, or the deadline (`performance.now()`) has passed. */
export async function sendUntilFinal(
  merchant: Merchant,
  payment: SentPayment,
  deadline: number,
  wait_s?: number,
): Promise<void> {
  for (let wait_ms = RETRY_MS_MIN; ; wait_ms = Math.min(wait_ms * 2, RETRY_MS_MAX)) {
    const reply = await sendOnce(merchant, payment, wait_s);
    if (payment.final) return;
    if (performance.now() > deadline)
      throw new Error(`${payment.idempotencyKey} has no end yet; last: ${describe(reply)}`);
    await delay(wait_ms);
  }
}

export interface LoadOptions {
  readonly concurrency: number;
  readonly random: Random;
  /** Stops by itself after so many; else when told. */
  readonly payments?: number;
  readonly wait_s?: number;
  /** How long one payment may take to end, whatever dies meanwhile. */
  readonly patience_ms?: number;
}

const PATIENCE_MS = 90_000;

/** Payments sent side by side, each until its end is known. */
export class Load {
  readonly sent: SentPayment[] = [];
  private stopped = false;
  private readonly workers: Promise<unknown>;
  private failure: Error | undefined;

  constructor(
    private readonly merchant: Merchant,
    private readonly options: LoadOptions,
  ) {
    this.workers = Promise.all(Array.from({ length: options.concurrency }, () => this.work())).catch(
      (error: unknown) => {
        this.failure = error as Error;
        this.stopped = true;
      },
    );
  }

  get final(): number {
    return this.sent.filter(({ final }) => final).length;
  }

  get unknown(): number {
    return this.sent.reduce((sum, { unknown }) => sum + unknown, 0);
  }

  /** Throws as soon as one payment has gone wrong. */
  check(): void {
    if (this.failure) throw this.failure;
  }

  /** Sends no more, and waits until each has ended. */
  async finish(): Promise<readonly SentPayment[]> {
    this.stopped = true;
    return this.end();
  }

  /** Waits until all that were asked for have ended. */
  async end(): Promise<readonly SentPayment[]> {
    await this.workers;
    this.check();
    return this.sent;
  }

  private async work(): Promise<void> {
    const { payments = Infinity, random, wait_s, patience_ms = PATIENCE_MS } = this.options;
    while (!this.stopped && this.sent.length < payments) {
      const payment = newPayment(this.merchant, random);
      this.sent.push(payment);
      await sendUntilFinal(this.merchant, payment, performance.now() + patience_ms, wait_s);
    }
  }
}
