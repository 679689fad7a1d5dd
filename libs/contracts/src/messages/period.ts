import type { MessageSpec } from '../messages.js';
import { ACCOUNT_KINDS, type AccountKind } from './account.js';
import { TENANT_ASSETS_MAX } from './asset.js';
import { assetCode, instant, object, reason, version } from './schema.js';

/** A calendar month in UTC. */
export const MONTH_PATTERN = '^[12][0-9]{3}-(0[1-9]|1[0-2])$';
/** ISO 4217 has fewer, with what is traded beside it. */
const COMMON_ASSETS_MAX = 200;
/** Every kind of account in every asset that a tenant can have: a month with more figures than these could never be closed. */
const TOTALS_MAX = (TENANT_ASSETS_MAX + COMMON_ASSETS_MAX) * ACCOUNT_KINDS.length;
/** A figure is 82 bytes and its digits. */
const CLOSED_BYTES_MAX = 786_432;

/** `payflow.period.close.v1`: nothing may take effect in the month any more. */
export interface PeriodClose {
  /** The month, `2026-10`. */
  readonly id: string;
  /** The version of the month that it is for, 0 of one that nothing was closed of; absent: any. */
  readonly if_version?: number;
}

/** `payflow.period.closing.v1`: from now on nothing more can take effect before `ends_at`; what is at work is waited for. */
export interface PeriodClosing {
  readonly id: string;
  /** The first instant after the month. */
  readonly ends_at: string;
  readonly closing_at: string;
  /** 1 while closing, 2 when closed. */
  readonly version: number;
}

/** What all accounts of an asset and kind came to at the end of a month, by effective time. Sums over accounts may pass what one counter can hold. */
export interface PeriodTotal {
  readonly asset: string;
  readonly kind: AccountKind;
  readonly posted_debits: string;
  readonly posted_credits: string;
}

/** `payflow.period.closed.v1`: the figures of the month are final. */
export interface PeriodClosed extends PeriodClosing {
  readonly closed_at: string;
  readonly totals: readonly PeriodTotal[];
  /** SHA-256 (hexadecimal) over the hash of the period before and these figures: one closing vouches for all before it. */
  readonly hash: string;
}

/** `payflow.period.rejected.v1`: the month stays open. */
export interface PeriodRejected {
  readonly id: string;
  readonly reason: string;
  readonly recorded_at: string;
}

const id = { type: 'string', pattern: MONTH_PATTERN };
const closing = { id, ends_at: instant, closing_at: instant, version };
const sum = { type: 'string', pattern: '^(0|[1-9][0-9]{0,37})$' };
const key = (data: { readonly id: string }): string => data.id;

export const periodSchemas = {
  'payflow.period.close.v1': {
    topic: 'ledger.commands.v1',
    key,
    summary: 'Close a month: nothing may take effect in it any more.',
    schema: object({ id }, { if_version: version }),
    refusable: ['id'],
  },
  'payflow.period.closing.v1': {
    topic: 'ledger.events.v1',
    key,
    summary: 'Nothing more can take effect in the month; its figures come when what is at work has ended.',
    schema: object(closing),
  },
  'payflow.period.closed.v1': {
    topic: 'ledger.events.v1',
    key,
    summary: 'The month is closed, and its figures are final.',
    valueBytes_max: CLOSED_BYTES_MAX,
    schema: object({
      ...closing,
      closed_at: instant,
      totals: {
        type: 'array',
        maxItems: TOTALS_MAX,
        items: object({
          asset: assetCode,
          kind: { enum: [...ACCOUNT_KINDS] },
          posted_debits: sum,
          posted_credits: sum,
        }),
      },
      hash: { type: 'string', pattern: '^[0-9a-f]{64}$' },
    }),
  },
  'payflow.period.rejected.v1': {
    topic: 'ledger.events.v1',
    key,
    summary: 'The month was not closed, for the reason given.',
    schema: object({ id, reason, recorded_at: instant }),
  },
} as const satisfies Record<string, MessageSpec>;
