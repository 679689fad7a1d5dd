import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import type { CallOptions, Reply } from './api-client.js';
import type { Merchant } from './merchant.js';

export const BULK_PATH = '/api/v1/transfers/bulk';
const ANSWERED_WITHIN_MS = 60_000;
const WAIT_S = 10;

/** A bulk as it is answered. */
export interface Bulk {
  readonly id: string;
  readonly counts: Record<string, number>;
  readonly results: readonly {
    readonly id: string;
    readonly status: string;
    readonly error: { code: string } | null;
  }[];
}

/** One bulk to send, under a key of its own, as often as it takes. */
export function bulkRequest(mode: string, transfers: readonly object[]): CallOptions {
  return { body: JSON.stringify({ mode, transfers }), idempotencyKey: newId('event'), wait_s: WAIT_S };
}

/** Bulks of one merchant. */
export class Bulks {
  constructor(private readonly merchant: Merchant) {}

  /** From one account to the next, round and round. */
  transfers(count: number): { readonly debit_account: string; readonly credit_account: string }[] {
    const { accounts } = this.merchant;
    return Array.from({ length: count }, (_, at) => ({
      debit_account: accounts[at % accounts.length] as string,
      credit_account: accounts[(at + 1) % accounts.length] as string,
      amount: '3',
      asset: 'USD',
    }));
  }

  /** Sends until it is final; the same key each time. */
  ended(options: CallOptions, path = BULK_PATH): Promise<Reply & { readonly kind: 'answer' }> {
    return until(
      `${path} is answered`,
      async () => {
        const answer = await this.merchant.api.call(path, options);
        return answer.kind === 'answer' && answer.status !== 202 ? answer : undefined;
      },
      ANSWERED_WITHIN_MS,
    );
  }
}
