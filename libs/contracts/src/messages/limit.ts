import type { MessageSpec } from '../messages.js';
import { amount, assetCode, id, instant, nullable, object, reason, version } from './schema.js';

/** What is counted: a single payment's sum, the sums of a UTC day or month, or how many payments come within some minutes. */
export const LIMIT_KINDS = ['per_payment', 'per_day', 'per_month', 'velocity'] as const;
export type LimitKind = (typeof LIMIT_KINDS)[number];

/** Whose payments are counted together: one customer's, each customer's apart, or all of them. */
export const LIMIT_SCOPES = ['customer', 'each_customer', 'all'] as const;
export type LimitScope = (typeof LIMIT_SCOPES)[number];

/** The ways of paying that a limit or a rule can name. */
export const LIMITED_METHODS = ['internal', 'card'] as const;
export type LimitedMethod = (typeof LIMITED_METHODS)[number];

/** A tenant has at most so many in each mode: each of its payments is held against all of them. */
export const LIMITS_MAX = 100;
/** 31 days. */
export const VELOCITY_MINUTES_MAX = 44_640;
/** So many instants are looked at for one payment at most. */
export const VELOCITY_COUNT_MAX = 1_000;

export interface LimitTerms {
  readonly id: string;
  readonly kind: LimitKind;
  readonly scope: LimitScope;
  /** The one customer; null unless the scope is `customer`. */
  readonly customer: string | null;
  /** Null: any. */
  readonly method: LimitedMethod | null;
  /** The asset whose sums are counted. Null, which only a velocity may be, is any. */
  readonly asset: string | null;
  /** The most that may be reserved and used, minor units; null on a velocity. */
  readonly amount: string | null;
  /** Of a velocity: so many payments within so many minutes. */
  readonly count: number | null;
  readonly minutes: number | null;
  /** What is off counts nothing and refuses nothing. */
  readonly enabled: boolean;
}

/** `payflow.limit.define.v1`: the next version of the limit, or its first. */
export interface LimitDefine extends LimitTerms {
  /** Refused when the limit has another version by then. */
  readonly if_version: number | null;
}

/** `payflow.limit.defined.v1` */
export interface LimitDefined extends LimitTerms {
  readonly version: number;
  readonly defined_at: string;
}

/** `payflow.limit.delete.v1` */
export interface LimitDelete {
  readonly id: string;
  /** Refused when the limit has another version by then. */
  readonly if_version: number | null;
}

/** `payflow.limit.deleted.v1`: the limit as it was, and the version that ended it. Defined again, it has the next. */
export interface LimitDeleted extends LimitDefined {
  readonly deleted_at: string;
}

/** `payflow.limit.rejected.v1`: the limit stays as it was. */
export interface LimitRejected {
  readonly id: string;
  readonly reason: string;
  readonly recorded_at: string;
}

const whole = (maximum: number) => ({ type: 'integer', minimum: 1, maximum });

const terms = {
  id: id('limit'),
  kind: { enum: [...LIMIT_KINDS] },
  scope: { enum: [...LIMIT_SCOPES] },
  customer: nullable(id('customer')),
  method: nullable({ enum: [...LIMITED_METHODS] }),
  asset: nullable(assetCode),
  amount: nullable(amount),
  count: nullable(whole(VELOCITY_COUNT_MAX)),
  minutes: nullable(whole(VELOCITY_MINUTES_MAX)),
  enabled: { type: 'boolean' },
};
// The versions of one limit follow each other.
const key = (data: { readonly id: string }): string => data.id;

export const limitSchemas = {
  'payflow.limit.define.v1': {
    topic: 'payments.commands.v1',
    key,
    summary: 'Say how much, or how often, may be paid.',
    schema: object({ ...terms, if_version: nullable(version) }),
    refusable: ['id'],
  },
  'payflow.limit.defined.v1': {
    topic: 'payments.events.v1',
    key,
    summary: 'Payments keep to this version of the limit from now on.',
    schema: object({ ...terms, version, defined_at: instant }),
  },
  'payflow.limit.delete.v1': {
    topic: 'payments.commands.v1',
    key,
    summary: 'Hold no more payments against the limit.',
    schema: object({ id: id('limit'), if_version: nullable(version) }),
    refusable: ['id'],
  },
  'payflow.limit.deleted.v1': {
    topic: 'payments.events.v1',
    key,
    summary:
      'No payment is held against the limit from now on; what was reserved under it is freed as its payments end.',
    schema: object({ ...terms, version, defined_at: instant, deleted_at: instant }),
  },
  'payflow.limit.rejected.v1': {
    topic: 'payments.events.v1',
    key,
    summary: 'The limit stays as it was, for the reason given.',
    schema: object({ id: id('limit'), reason, recorded_at: instant }),
  },
} as const satisfies Record<string, MessageSpec>;
