import { amount, id, object } from './schema.js';

/** What a part is taken for. It changes nothing of how it is divided or booked. */
export const BREAKDOWN_KINDS = ['fee', 'tax', 'split'] as const;
export type BreakdownKind = (typeof BREAKDOWN_KINDS)[number];

/** With source and destination, well below what the accounts of a payment's event may be. */
export const BREAKDOWN_PARTS_MAX = 10;

/** One part of what is captured, and who gets it. What no part takes, the destination gets. */
export interface BreakdownPart {
  readonly kind: BreakdownKind;
  readonly account: string;
  /** What it gets of the payment's whole amount; of a part of that, a part in the same proportion. */
  readonly amount: string;
}

export const breakdown = {
  type: 'array',
  maxItems: BREAKDOWN_PARTS_MAX,
  items: object({ kind: { enum: [...BREAKDOWN_KINDS] }, account: id('account'), amount }),
};
