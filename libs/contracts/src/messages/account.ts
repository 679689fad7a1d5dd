import type { MessageSpec } from '../messages.js';
import { amount, assetCode, id, instant, metadata, nullable, object, reason, version } from './schema.js';

/** How far an account's available balance may fall: `none` to zero, `unbounded` without limit (an outside world). */
export type Overdraft = 'none' | 'unbounded';

/** `payflow.account.open.v1` */
export interface AccountOpen {
  readonly id: string;
  readonly path: string | null;
  readonly asset: string;
  readonly overdraft: Overdraft;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
}

/** The four counters of an account at one version, minor units. */
export interface AccountSnapshot {
  readonly id: string;
  readonly asset: string;
  readonly overdraft: Overdraft;
  readonly posted_debits: string;
  readonly posted_credits: string;
  readonly pending_debits: string;
  readonly pending_credits: string;
  readonly version: number;
}

/** `payflow.account.opened.v1` */
export interface AccountOpened extends AccountSnapshot {
  readonly path: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
}

/** `payflow.account.rejected.v1` */
export interface AccountRejected {
  readonly id: string;
  readonly reason: string;
  readonly recorded_at: string;
}

const overdraft = { enum: ['none', 'unbounded'] };
const path = nullable({ type: 'string', minLength: 1, maxLength: 255 });

const snapshot = {
  id: id('account'),
  asset: assetCode,
  overdraft,
  posted_debits: amount,
  posted_credits: amount,
  pending_debits: amount,
  pending_credits: amount,
  version,
};

export const accountSnapshot = object(snapshot);

export const accountSchemas = {
  'payflow.account.open.v1': {
    topic: 'ledger.commands.v1',
    key: (data: AccountOpen) => data.id,
    summary: 'Open an account of one asset.',
    schema: object({ id: id('account'), path, asset: assetCode, overdraft, metadata, created_at: instant }),
    refusable: ['id'],
  },
  'payflow.account.opened.v1': {
    topic: 'ledger.events.v1',
    key: (data: AccountOpened) => data.id,
    summary: 'The account exists and can be debited and credited.',
    schema: object({ ...snapshot, path, metadata, created_at: instant }),
  },
  'payflow.account.rejected.v1': {
    topic: 'ledger.events.v1',
    key: (data: AccountRejected) => data.id,
    summary: 'The account could not be opened.',
    schema: object({ id: id('account'), reason, recorded_at: instant }),
  },
} as const satisfies Record<string, MessageSpec>;
