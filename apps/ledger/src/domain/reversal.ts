import { postTransfer, refuse, type Movement, type Moved, type Refused, type Sides } from './transfer.js';

/** A transfer that was posted before, and how much of it has been moved back since. */
export interface Original extends Movement {
  readonly reversed: bigint;
  /** The transfer that stands in its place. */
  readonly correctedBy: string | null;
  /** The transfer that it moves back itself. */
  readonly reverses: string | null;
  /** When it counts. */
  readonly effectiveAt: string;
}

/** A transfer as whoever asks has seen it: all of it that can change. */
export interface Standing {
  /** Of its metadata. */
  readonly version: number;
  readonly reversed: bigint;
}

export interface ReversalTerms {
  /** Those of the original, as the command names them. */
  readonly debitAccount: string;
  readonly creditAccount: string;
  /** Null moves back all that is left. */
  readonly amount: bigint | null;
  /** Whether it stands otherwise than whoever asks has seen it. */
  readonly hasChanged: boolean;
}

export interface Reversed extends Moved {
  readonly amount: bigint;
  /** How much of the original has been moved back, this one included. */
  readonly reversed: bigint;
}

/** Whether a transfer stands otherwise than it was seen; `version` is that of its metadata now. Never where it need not be as seen. */
export function standsOtherwise(
  seen: Standing | undefined,
  original: Original | undefined,
  version: number | undefined,
): boolean {
  return seen !== undefined && (seen.reversed !== original?.reversed || seen.version !== version);
}

/**
 * Moves money back from where a transfer took it. `sides` are the reversal's own: its debited account is the one that the
 * original credited.
 */
export function reverseTransfer(
  terms: ReversalTerms,
  original: Original | undefined,
  sides: Sides,
  now: string,
): Reversed | Refused {
  if (!original || original.debitAccount !== terms.debitAccount || original.creditAccount !== terms.creditAccount)
    return refuse('transfer_not_found');
  if (terms.hasChanged) return refuse('version_differs');
  // Moved back in turn, it would leave its own original told as moved back, while that counted again; and beside the transfer that a
  // correction put in the original's place.
  if (original.reverses !== null) return refuse('transfer_is_reversal');
  const left = original.amount - original.reversed;
  const amount = terms.amount ?? left;
  if (terms.amount !== null && amount <= 0n) return refuse('amount_not_positive');
  if (amount > left || left <= 0n) return refuse('reversal_exceeds_original');
  const back = { debitAccount: original.creditAccount, creditAccount: original.debitAccount };
  const decision = postTransfer({ ...back, amount, asset: original.asset, validUntil: null }, sides, now);
  return decision.kind === 'refused' ? decision : { ...decision, amount, reversed: original.reversed + amount };
}
