import { idPattern } from '../ids.js';
import type { MessageSpec } from '../messages.js';
import { ACCOUNT_KINDS, type AccountKind } from './account.js';
import { instant, nullable, object, reason, version } from './schema.js';

/** Name of a transaction type: `wallet_topup`. */
export const TYPE_NAME_PATTERN = '^[a-z][a-z0-9_]{0,62}$';
/** Paths by segments: `users:*:wallet`, where `*` is one segment, and `**` at the end all that follow. */
export const PATH_PATTERN_PATTERN = '^(\\*|[!-)+-9;-~]+)(:(\\*|[!-)+-9;-~]+))*(:\\*\\*)?$';
export const ACCOUNT_PATTERNS_MAX = 50;
export const TEMPLATE_LEGS_MAX = 100;
const TEMPLATE_VARIABLES_MAX = 50;
const PATH_LENGTH_MAX = 255;

/** What a variable of a template stands for. */
const VARIABLE_TYPES = ['account', 'amount', 'asset'] as const;
export type VariableType = (typeof VARIABLE_TYPES)[number];

/** Accounts that are meant: those whose path matches, and which are of the kind; null is any. */
export interface AccountPattern {
  readonly path: string | null;
  readonly kind: AccountKind | null;
}

/**
 * One leg of a template. Accounts, assets and amounts are literal, or a variable by `$` and its name. With `of` it is a part of
 * that amount: an `amount` of it, a `portion` (`29/1000`), or what is `remaining`.
 */
export interface TemplateLeg {
  readonly debit_account: string;
  readonly credit_account: string;
  readonly asset: string;
  readonly amount: string | null;
  readonly of: string | null;
  readonly portion: string | null;
  readonly remaining: boolean;
  /** Moves as much of its own amount as there is; absent where it moves all or nothing. */
  readonly up_to?: true;
}

export interface Template {
  /** Types by name. */
  readonly variables: Readonly<Record<string, VariableType>>;
  readonly legs: readonly TemplateLeg[];
}

interface TypeTerms {
  /** The name. */
  readonly id: string;
  /** Accounts that may be debited: one that any of the patterns means. Null: all. */
  readonly debit: readonly AccountPattern[] | null;
  readonly credit: readonly AccountPattern[] | null;
  readonly template: Template | null;
}

/** `payflow.transaction_type.define.v1`: the next version of the type, or its first. */
export interface TransactionTypeDefine extends TypeTerms {
  /** Refused when the type has another version by then. */
  readonly if_version: number | null;
}

/** `payflow.transaction_type.defined.v1` */
export interface TransactionTypeDefined extends TypeTerms {
  readonly version: number;
  readonly defined_at: string;
}

/** `payflow.transaction_type.rejected.v1`: the type stays as it was. */
export interface TransactionTypeRejected {
  readonly id: string;
  readonly reason: string;
  readonly recorded_at: string;
}

const VARIABLE = '\\$[a-z][a-z0-9_]{0,31}';
const AMOUNT = '0|[1-9][0-9]{0,18}';

export const typeName = { type: 'string', pattern: TYPE_NAME_PATTERN };
/** Of a template's places: a literal, or a variable. */
export const TEMPLATE_PLACES = {
  account: { type: 'string', pattern: `${idPattern('account').replace('$', '')}$|^${VARIABLE}$` },
  asset: { type: 'string', pattern: `^([A-Z0-9]{3,12}|${VARIABLE})$` },
  amount: { type: 'string', pattern: `^(${AMOUNT}|${VARIABLE})$` },
  whole: { type: 'string', pattern: `^${VARIABLE}$` },
  portion: { type: 'string', pattern: '^[1-9][0-9]{0,8}/[1-9][0-9]{0,8}$' },
  variables: {
    type: 'object',
    maxProperties: TEMPLATE_VARIABLES_MAX,
    propertyNames: { type: 'string', pattern: VARIABLE.replace('\\$', '^') + '$' },
    additionalProperties: { type: 'string', enum: [...VARIABLE_TYPES] },
  },
} as const;

const patterns = nullable({
  type: 'array',
  minItems: 1,
  maxItems: ACCOUNT_PATTERNS_MAX,
  items: object({
    path: nullable({ type: 'string', maxLength: PATH_LENGTH_MAX, pattern: PATH_PATTERN_PATTERN }),
    kind: nullable({ enum: [...ACCOUNT_KINDS] }),
  }),
});
const template = object({
  variables: TEMPLATE_PLACES.variables,
  legs: {
    type: 'array',
    minItems: 1,
    maxItems: TEMPLATE_LEGS_MAX,
    items: object(
      {
        debit_account: TEMPLATE_PLACES.account,
        credit_account: TEMPLATE_PLACES.account,
        asset: TEMPLATE_PLACES.asset,
        amount: nullable(TEMPLATE_PLACES.amount),
        of: nullable(TEMPLATE_PLACES.whole),
        portion: nullable(TEMPLATE_PLACES.portion),
        remaining: { type: 'boolean' },
      },
      { up_to: { const: true } },
    ),
  },
});
const terms = { id: typeName, debit: patterns, credit: patterns, template: nullable(template) };
const key = (data: { readonly id: string }): string => data.id;

export const transactionTypeSchemas = {
  'payflow.transaction_type.define.v1': {
    topic: 'ledger.commands.v1',
    key,
    summary: 'Say which accounts transfers of a type may debit and credit, and what its template expands to.',
    schema: object({ ...terms, if_version: nullable(version) }),
    refusable: ['id'],
  },
  'payflow.transaction_type.defined.v1': {
    topic: 'ledger.events.v1',
    key,
    summary: 'Transfers of the type keep to this version from now on.',
    schema: object({ ...terms, version, defined_at: instant }),
  },
  'payflow.transaction_type.rejected.v1': {
    topic: 'ledger.events.v1',
    key,
    summary: 'The type stays as it was, for the reason given.',
    schema: object({ id: typeName, reason, recorded_at: instant }),
  },
} as const satisfies Record<string, MessageSpec>;
