import { idPattern } from '@payflow/contracts';
import type { NamedAccount } from '../../acceptance/acceptable.js';
import { checkAssetCode } from './named-asset.js';
import { AMOUNT_SCHEMA, amountOf, ASSET_SCHEMA, checkClientId, impossible } from '../writes/request-body.js';

/** Money from one account to another, as transfers, their legs and holds say it. */
export interface MovementRequest {
  readonly id?: string;
  readonly debit_account: string;
  readonly credit_account: string;
  readonly amount: string;
  readonly asset: string;
}

export const MOVEMENT_REQUIRED = ['debit_account', 'credit_account', 'amount', 'asset'] as const;

export const MOVEMENT_PROPERTIES = {
  debit_account: { type: 'string', pattern: idPattern('account') },
  credit_account: { type: 'string', pattern: idPattern('account') },
  amount: AMOUNT_SCHEMA,
  asset: ASSET_SCHEMA,
} as const;

/** Throws 400 and 422 for what can never be moved. `at` is where the movement stands in the body. */
export function checkMovement(kind: 'transfer' | 'hold', at: string, movement: MovementRequest): void {
  const { id, debit_account, credit_account, amount, asset } = movement;
  const minor = amountOf(`${at}/amount`, amount);
  checkClientId(kind, `${at}/id`, id);
  if (minor === 0n) throw impossible('amount_not_positive', `${at}/amount`);
  checkAssetCode(`${at}/asset`, asset);
  if (debit_account === credit_account) throw impossible('accounts_identical', `${at}/credit_account`);
}

/** Both its accounts, which must be of its asset. */
export function accountsOf(at: string, { debit_account, credit_account, asset }: MovementRequest): NamedAccount[] {
  return [
    { pointer: `${at}/debit_account`, id: debit_account, asset },
    { pointer: `${at}/credit_account`, id: credit_account, asset },
  ];
}
