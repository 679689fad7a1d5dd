import type { AccountOpen, PaymentCreate } from '@payflow/contracts';
import type { AccountView } from '../domain/account.js';
import type { PaymentView } from '../domain/payment.js';

/** The resource a write makes, with the command that makes it. */
export type Write =
  | { readonly kind: 'payment'; readonly view: PaymentView; readonly command: PaymentCreate }
  | { readonly kind: 'account'; readonly view: AccountView; readonly command: AccountOpen };

/** A write that passed every check at the edge and asks to be made durable. */
export interface Acceptable {
  readonly tenant: string;
  readonly livemode: boolean;
  /** Id of the API key. */
  readonly actor: string;
  readonly idempotencyKey: string;
  /** SHA-256 over method, path with query, and body. */
  readonly fingerprint: Buffer;
  readonly apiVersion: string;
  readonly requestId: string;
  readonly traceparent: string | undefined;
  readonly write: Write;
}

/** The final answer to a write, rendered once by whoever applied the final event. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What became of a write at the door. */
export type Acceptance =
  | { readonly outcome: 'accepted' }
  /** A copy of a write that is still on its way: wait for that one. */
  | { readonly outcome: 'joined'; readonly resourceId: string }
  /** A copy of a write that has ended. */
  | { readonly outcome: 'replayed'; readonly reply: Reply }
  | { readonly outcome: 'refused'; readonly code: 'idempotency_key_reused' | 'id_reused' | 'account_exists' };
