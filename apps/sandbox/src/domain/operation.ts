import type { Authorization, Sums } from './authorization.js';

/** What a merchant can ask for. */
export const ASKED = ['authorize', 'sale', 'increment', 'capture', 'void', 'refund', 'evidence'] as const;
export type Asked = (typeof ASKED)[number];

/** What happens without the merchant: the customer acts, the issuer disputes and decides. */
export type Unasked = 'action' | 'dispute_opened' | 'dispute_won' | 'dispute_lost';

/** One line of the journal: what was asked, or happened, and what it came to. */
export interface Operation {
  readonly id: string;
  readonly type: Asked | Unasked;
  readonly status: 'succeeded' | 'declined' | 'action_required';
  readonly declineCode: string | null;
  readonly canRetryElsewhere: boolean;
  readonly amount: bigint | null;
  readonly currency: string;
  readonly authorization: string;
  readonly dispute: string | null;
  readonly merchantReference: string;
  /** Null for what nobody asked for. */
  readonly idempotencyKey: string | null;
  readonly moved: Sums;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Name of the scenario that was played. */
  readonly scenario: string;
}

export interface Dispute {
  readonly id: string;
  readonly authorization: string;
  readonly merchantReference: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly reason: string;
  readonly status: 'opened' | 'won' | 'lost';
  readonly evidence: Readonly<Record<string, string>>;
  readonly openedAt: number;
  readonly decidedAt: number | null;
}

/** Schemes give a merchant between one and six weeks. */
const EVIDENCE_TIME_MS = 14 * 86_400_000;

/** Until when the issuer hears the merchant, ms since 1970. */
export function evidenceDueBy({ openedAt }: Pick<Dispute, 'openedAt'>): number {
  return openedAt + EVIDENCE_TIME_MS;
}

/** One wish of a merchant, read and found well-formed. */
export interface Wish {
  readonly type: Asked;
  readonly idempotencyKey: string;
  /** Of path and body: the same key with another is a mistake of the caller. */
  readonly fingerprint: string;
  /** The authorization or the dispute it is about; null where it makes one. */
  readonly target: string | null;
  readonly amount: bigint | null;
  readonly currency: string | null;
  readonly merchantReference: string | null;
  readonly token: string | null;
  readonly isFinal: boolean;
  readonly evidence: Readonly<Record<string, string>> | null;
}

/** What an operation says now: one that waited for the customer ends with the authorization. */
export function statusNow(operation: Operation, authorization: Authorization): Operation['status'] {
  if (operation.status !== 'action_required' || authorization.status === 'action_required') return operation.status;
  return authorization.status === 'declined' ? 'declined' : 'succeeded';
}

/**
 * How often each thing was done, under whatever key: operations by their type and what they are about. Done once more under another
 * key, it is done twice; what is known of one key can never tell.
 */
export function timesDone(operations: Iterable<Operation>): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const operation of operations) {
    const what = whatIsDone(operation);
    times.set(what, (times.get(what) ?? 0) + 1);
  }
  return times;
}

/** Its type, and the authorization or dispute that it is about; where it makes an authorization, the merchant's reference. */
export function whatIsDone({ type, dispute, authorization, merchantReference }: Operation): string {
  const isNew = type === 'authorize' || type === 'sale';
  return `${type} ${isNew ? merchantReference : (dispute ?? authorization)}`;
}
