import type { MessageSpec } from '../messages.js';
import { amount, assetCode, id, instant, metadata, nullable, object, reason, version } from './schema.js';

/**
 * How far an account's available balance may fall: `none` to zero, `limited` to a sum below zero, `unbounded` without limit
 * (an outside world).
 */
export type Overdraft = 'none' | 'limited' | 'unbounded';

/** What the account is in the books. Assets and expenses grow by debits, the others by credits. */
export const ACCOUNT_KINDS = ['asset', 'liability', 'equity', 'income', 'expense'] as const;
export type AccountKind = (typeof ACCOUNT_KINDS)[number];

/** `debits_frozen` still takes credits. A closed account is at zero, and stays there. */
export const ACCOUNT_STATES = ['open', 'debits_frozen', 'frozen', 'closed'] as const;
export type AccountState = (typeof ACCOUNT_STATES)[number];

/** `payflow.account.open.v1` */
export interface AccountOpen {
  readonly id: string;
  readonly path: string | null;
  readonly asset: string;
  readonly kind: AccountKind;
  readonly overdraft: Overdraft;
  /** How far below zero a `limited` account may fall, minor units; zero on all others. */
  readonly overdraft_limit: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
}

/** `payflow.account.update.v1`: what is null stays as it is. */
export interface AccountUpdate {
  readonly id: string;
  readonly state: AccountState | null;
  readonly overdraft: Overdraft | null;
  readonly overdraft_limit: string | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  /** Refused when the account has another version by then. */
  readonly if_version: number | null;
}

/** The four counters of an account at one version, minor units. */
export interface AccountSnapshot {
  readonly id: string;
  readonly asset: string;
  readonly kind: AccountKind;
  readonly state: AccountState;
  readonly overdraft: Overdraft;
  readonly overdraft_limit: string;
  readonly posted_debits: string;
  readonly posted_credits: string;
  readonly pending_debits: string;
  readonly pending_credits: string;
  readonly version: number;
}

/** `payflow.account.opened.v1` and `payflow.account.updated.v1` */
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

const overdraft = { enum: ['none', 'limited', 'unbounded'] };
const kind = { enum: [...ACCOUNT_KINDS] };
const state = { enum: [...ACCOUNT_STATES] };
const path = nullable({ type: 'string', minLength: 1, maxLength: 255 });

const snapshot = {
  id: id('account'),
  asset: assetCode,
  kind,
  state,
  overdraft,
  overdraft_limit: amount,
  posted_debits: amount,
  posted_credits: amount,
  pending_debits: amount,
  pending_credits: amount,
  version,
};

export const accountSnapshot = object(snapshot);

/** What a snapshot tells beside the counters. */
export const accountTerms = { asset: assetCode, kind, state, overdraft, overdraft_limit: amount };

export const accountSchemas = {
  'payflow.account.open.v1': {
    topic: 'ledger.commands.v1',
    key: (data: AccountOpen) => data.id,
    summary: 'Open an account of one asset.',
    schema: object({
      id: id('account'),
      path,
      asset: assetCode,
      kind,
      overdraft,
      overdraft_limit: amount,
      metadata,
      created_at: instant,
    }),
    refusable: ['id'],
  },
  'payflow.account.update.v1': {
    topic: 'ledger.commands.v1',
    key: (data: AccountUpdate) => data.id,
    summary: 'Freeze, thaw or close an account, or change its overdraft or metadata.',
    schema: object({
      id: id('account'),
      state: nullable(state),
      overdraft: nullable(overdraft),
      overdraft_limit: nullable(amount),
      metadata: nullable(metadata),
      if_version: nullable(version),
    }),
    refusable: ['id'],
  },
  'payflow.account.opened.v1': {
    topic: 'ledger.events.v1',
    key: (data: AccountOpened) => data.id,
    summary: 'The account exists and can be debited and credited.',
    schema: object({ ...snapshot, path, metadata, created_at: instant }),
  },
  'payflow.account.updated.v1': {
    topic: 'ledger.events.v1',
    key: (data: AccountOpened) => data.id,
    summary: 'The account has another state, overdraft or other metadata.',
    schema: object({ ...snapshot, path, metadata, created_at: instant }),
  },
  'payflow.account.update_rejected.v1': {
    topic: 'ledger.events.v1',
    key: (data: AccountRejected) => data.id,
    summary: 'The account stays as it was, for the reason given.',
    schema: object({ id: id('account'), reason, recorded_at: instant }),
  },
  'payflow.account.rejected.v1': {
    topic: 'ledger.events.v1',
    key: (data: AccountRejected) => data.id,
    summary: 'The account could not be opened.',
    schema: object({ id: id('account'), reason, recorded_at: instant }),
  },
} as const satisfies Record<string, MessageSpec>;
