import { createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { logger } from '@payflow/telemetry';
import PQueue from 'p-queue';
import type { Event } from './journal.js';
import type { Scenario } from './scenarios.js';

export interface WebhooksOptions {
  /** Nobody is told where there is none. */
  readonly url: string | undefined;
  /** `whsec_` and the key in base64. */
  readonly secret: string;
  /** The merchant has it, or will not be told again. */
  readonly ended: (event: string) => void;
}

export interface Delivery {
  readonly id: string;
  readonly type: string;
  attempts: number;
  status: 'waiting' | 'delivered' | 'given_up';
}

const log = logger('webhooks');

/** Sent at a time; the merchant is one server. */
const CONCURRENCY = 32;
const TIMEOUT_MS = 10_000;
/** With the back-off below: given up after some eight minutes. */
const ATTEMPTS_MAX = 14;
const BACK_OFF_FIRST_MS = 250;
const BACK_OFF_MAX_MS = 60_000;
/** A webhook that is held back for the next one does not wait longer for it. */
const HELD_BACK_MS = 5_000;
/** How many deliveries are remembered for whoever asks. */
const REMEMBERED_MAX = 10_000;

/** Tells the merchant by Standard Webhooks: signed, tried again with back-off, at least once. */
export class Webhooks {
  readonly deliveries = new Map<string, Delivery>();
  private readonly queue = new PQueue({ concurrency: CONCURRENCY });
  private readonly closing = new AbortController();
  private readonly heldBack = new Map<string, (() => void)[]>();
  private readonly key: Buffer;

  constructor(private readonly options: WebhooksOptions) {
    this.key = webhookKey(options.secret);
  }

  /** Resolves when all of them have been told, or given up. */
  async tell(events: readonly Event[], manner: Scenario['webhooks'] = 'once'): Promise<void> {
    const [first] = events;
    if (manner === 'held_back' && events.length === 1 && first) await this.nextAbout(first.authorization);
    for (const event of events) {
      await this.deliver(event);
      if (manner === 'twice') await this.deliver(event);
    }
  }

  close(): void {
    this.closing.abort();
    this.queue.clear();
  }

  /** Forgets what was told, and to whom it was to be told. */
  forget(): void {
    this.deliveries.clear();
  }

  private async deliver(event: Event): Promise<void> {
    const { url } = this.options;
    if (url !== undefined) await this.untilTaken(event, url, this.remember(event));
    if (this.closing.signal.aborted) return;
    this.options.ended(event.id);
    for (const release of this.heldBack.get(event.authorization) ?? []) release();
  }

  private async untilTaken(event: Event, url: string, delivery: Delivery): Promise<void> {
    for (let backOff_ms = BACK_OFF_FIRST_MS; ; backOff_ms = Math.min(backOff_ms * 2, BACK_OFF_MAX_MS)) {
      delivery.attempts += 1;
      if (await this.queue.add(() => this.post(event, url))) return void (delivery.status = 'delivered');
      if (delivery.attempts >= ATTEMPTS_MAX) {
        log.warn({ event: event.id, type: event.type }, 'a webhook was given up');
        return void (delivery.status = 'given_up');
      }
      await this.pause(backOff_ms);
      if (this.closing.signal.aborted) return;
    }
  }

  /** Whether the merchant took it. */
  private async post(event: Event, url: string): Promise<boolean> {
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...signed(this.key, event.id, event.body, new Date()) },
        body: event.body,
        redirect: 'manual',
        signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), this.closing.signal]),
      });
      await answer.body?.cancel();
      return answer.ok;
    } catch {
      return false;
    }
  }

  /** Waits until something else about the authorization has been told. */
  private async nextAbout(authorization: string): Promise<void> {
    const told = new Promise<void>((release) => {
      const waiting = this.heldBack.get(authorization);
      if (waiting) waiting.push(release);
      else this.heldBack.set(authorization, [release]);
    });
    await Promise.race([told, this.pause(HELD_BACK_MS)]);
    this.heldBack.delete(authorization);
  }

  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.closing.signal, ref: false }).catch(() => undefined);
  }

  private remember({ id, type }: Event): Delivery {
    const known = this.deliveries.get(id);
    if (known) return known;
    const delivery: Delivery = { id, type, attempts: 0, status: 'waiting' };
    const [oldest] = this.deliveries.keys();
    if (this.deliveries.size >= REMEMBERED_MAX && oldest !== undefined) this.deliveries.delete(oldest);
    this.deliveries.set(id, delivery);
    return delivery;
  }
}

/** The key of a `whsec_…` secret. */
export function webhookKey(secret: string): Buffer {
  return Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
}

/** The headers of Standard Webhooks: id, time, and the signature over both and the body. */
export function signed(key: Buffer, id: string, body: string, at: Date): Record<string, string> {
  const timestamp = Math.floor(at.getTime() / 1_000).toString();
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
