import { id, nullable, object, signedAmount, version } from './schema.js';

const CONDITIONS_MAX = 100;

/** What must hold of an account before anything moves. */
export interface BalanceCondition {
  readonly account: string;
  readonly version: number | null;
  /** Bounds of the posted balance, minor units with a sign. */
  readonly balance_gte: string | null;
  readonly balance_lte: string | null;
}

export const conditions = {
  type: 'array',
  maxItems: CONDITIONS_MAX,
  items: object({
    account: id('account'),
    version: nullable(version),
    balance_gte: nullable(signedAmount),
    balance_lte: nullable(signedAmount),
  }),
};
