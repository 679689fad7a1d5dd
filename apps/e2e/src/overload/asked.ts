import { newId } from '@payflow/contracts';
import type { Merchant } from '../house/merchant.js';
import type { Random } from '../house/random.js';

/** What a request is, as the gateway tells them apart. */
export const KINDS = ['critical', 'write', 'read', 'export'] as const;
export type Kind = (typeof KINDS)[number];

/** One request, whole, and what it makes where it makes something. */
export interface Asked {
  readonly kind: Kind;
  readonly text: string;
  readonly id?: string;
}

export type Mix = Readonly<Partial<Record<Kind, number>>>;

/** More payments than can be taken, some of everything else, and as many refunds as there would be. */
export const MIXED: Mix = { critical: 0.05, write: 0.75, read: 0.1, export: 0.1 };
/** What of it would be done by whoever does the important things first: what capacity is measured with. */
export const SERVED: Mix = { critical: 0.15, write: 0.85 };

const REFUND = JSON.stringify({ amount: '1' });
const CSV = 'Accept: text/csv\r\n';
/** What is accepted is counted, not its end. */
const NO_WAIT = 'Prefer: wait=0\r\n';

/** Requests of a merchant, as text: making them must cost less than answering them. */
export class Requests {
  constructor(
    private readonly merchant: Merchant,
    /** Payments that have ended, to be refunded and looked at. */
    private readonly payments: readonly string[],
    private readonly random: Random,
  ) {}

  next(mix: Mix): Asked {
    return this.of(this.kind(mix));
  }

  of(kind: Kind): Asked {
    switch (kind) {
      case 'critical': {
        const id = newId('refund');
        const body = `{"id":"${id}",${REFUND.slice(1)}`;
        return { kind, id, text: this.post(`/api/v1/payments/${this.random.of(this.payments)}/refunds`, id, body) };
      }
      case 'write': {
        const id = newId('payment');
        const [source, destination] = this.random.pair(this.merchant.accounts);
        const body = { id, source, destination, amount: '1', asset: 'USD', method: { type: 'internal' } };
        return { kind, id, text: this.post('/api/v1/payments', id, JSON.stringify(body)) };
      }
      case 'read':
        return { kind, text: this.get(`/api/v1/payments/${this.random.of(this.payments)}`) };
      case 'export':
        return {
          kind,
          text: this.get(`/api/v1/accounts/${this.random.of(this.merchant.accounts)}/statement`, CSV),
        };
    }
  }

  /** A head that promises a body of so many bytes, and none of it. */
  promising(bytes: number): string {
    return this.head('POST', '/api/v1/payments', this.json(newId('event'), bytes));
  }

  private kind(mix: Mix): Kind {
    let left = this.random.below(1_000) / 1_000;
    return KINDS.find((kind) => (left -= mix[kind] ?? 0) < 0) ?? 'write';
  }

  private get(path: string, more = ''): string {
    return this.head('GET', path, more);
  }

  private post(path: string, key: string, body: string): string {
    return this.head('POST', path, this.json(key, body.length) + NO_WAIT) + body;
  }

  private json(key: string, length: number): string {
    return `Content-Type: application/json\r\nIdempotency-Key: ${key}\r\nContent-Length: ${length}\r\n`;
  }

  private head(method: string, path: string, more: string): string {
    const { host } = new URL(this.merchant.api.base);
    return `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${this.merchant.apiKey}\r\n${more}\r\n`;
  }
}
