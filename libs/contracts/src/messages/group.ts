import type { MessageSpec } from '../messages.js';
import { accountTerms, type AccountSnapshot } from './account.js';
import { conditions, type BalanceCondition } from './condition.js';
import { rate, type RateText } from './conversion.js';
import { amount, assetCode, id, instant, metadata, nullable, object, reason, version } from './schema.js';
import { typeName } from './transaction-type.js';

/** A group may name this many legs, and touch this many accounts: its event then stays well below 512 KiB. */
export const LEGS_MAX = 1_000;
export const GROUP_ACCOUNTS_MAX = 1_200;
/** A type's name with each of a thousand legs would not fit the event; the places of those that keep to it do. */
export const GROUP_TYPES_MAX = 20;
const GROUP_BYTES_MAX = 524_288;

/** One transfer of a group. */
export interface Leg {
  readonly id: string;
  readonly debit_account: string;
  readonly credit_account: string;
  readonly amount: string;
  readonly asset: string;
  /** Moves as much of the amount as the debited account has available, instead of all or nothing. */
  readonly up_to: boolean;
  /** The transaction type whose posting rule it keeps to; absent where it names none. */
  readonly type?: string;
}

/** `payflow.group.post.v1`: one transfer or many that belong together, all of them or none unless `mode` says otherwise. */
export interface GroupPost {
  /** Where there is one leg, the UUID inside is that transfer's. */
  readonly id: string;
  readonly legs: readonly Leg[];
  readonly conditions: readonly BalanceCondition[];
  /** For which instant the books shall show it, if not for the one it is recorded at; never in the future. */
  readonly effective_at: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** `stop_on_first`: the legs before the first that is refused stay posted, the ones behind it are not tried. */
  readonly mode?: GroupMode;
  /** The payment that it books, where payments asks for it: each of its transfers carries it, and so does the verdict. */
  readonly payment?: string;
  /** Past this instant the ledger refuses with `command_expired`. */
  readonly valid_until?: string;
}

export type GroupMode = 'stop_on_first';

/** A posted transfer as somebody saw it: all of it that can change. */
export interface TransferStanding {
  /** Of its metadata. */
  readonly version: number;
  /** How much of it had been moved back. */
  readonly reversed: string;
}

/** `payflow.transfer.reverse.v1`: move a transfer's money back, all that is left of it or a part. */
export interface TransferReverse {
  readonly id: string;
  /** The transfer that the reversal makes. */
  readonly transfer: string;
  readonly original: string;
  /** Those of the original, so that the command finds its way to them. */
  readonly debit_account: string;
  readonly credit_account: string;
  readonly amount: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** The transaction type whose posting rule it keeps to, from whom to whom it moves. */
  readonly type?: string;
  /** How the original must stand; absent: anyhow. */
  readonly if_standing?: TransferStanding;
}

/** An account's counters at one version. */
export interface AccountCounters {
  readonly id: string;
  readonly posted_debits: string;
  readonly posted_credits: string;
  readonly pending_debits: string;
  readonly pending_credits: string;
  readonly version: number;
}

export interface PostedLeg {
  readonly id: string;
  readonly debit_account: string;
  readonly credit_account: string;
  readonly amount: string;
  readonly asset: string;
  /** Where it is another instant than the group's. */
  readonly effective_at?: string;
}

/** Where a group with `stop_on_first` came to its end. */
export interface GroupStop {
  /** The leg that was refused, counted from 0; the ones before it are posted. */
  readonly leg: number;
  readonly transfer: string;
  readonly reason: string;
  /** The transfers behind it, in order: none was tried, and their ids are free. */
  readonly skipped: readonly string[];
}

/** `payflow.group.posted.v1`, with every account as the group left it. */
export interface GroupPosted {
  readonly id: string;
  /** The transfer that this one moves back, and how much of it has been moved back by now. */
  readonly reverses: { readonly transfer: string; readonly reversed: string } | null;
  /** The transfer that the second leg replaces, where the first one moves back what was left of it. */
  readonly corrects?: string;
  readonly legs: readonly PostedLeg[];
  /** Of a payment's group with their terms, so that a payment's own event can tell of them. */
  readonly accounts: readonly (AccountCounters | AccountSnapshot)[];
  readonly effective_at: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly recorded_at: string;
  /** Of a conversion, what its second leg's amount was made of the first's with. */
  readonly rate?: RateText;
  /** The transaction types that its legs named; absent where they named none. */
  readonly types?: readonly KeptType[];
  /** Absent where all legs are posted. */
  readonly stopped?: GroupStop;
  readonly payment?: string;
}

/** A transaction type, and the version of it that these legs, counted from 0, were held against. */
export interface KeptType {
  readonly type: string;
  readonly version: number;
  readonly legs: readonly number[];
}

/** `payflow.group.rejected.v1`: nothing moved. */
export interface GroupRejected {
  readonly id: string;
  /** The account whose partition answers. */
  readonly debit_account: string;
  readonly reason: string;
  /** Which leg was refused, counted from 0; null where it was no leg's fault. */
  readonly leg: number | null;
  readonly recorded_at: string;
  /** With `stop_on_first`, where the first leg is at fault: the transfers of the others, none of which was tried. */
  readonly skipped?: readonly string[];
  readonly payment?: string;
}

const accounts = { debit_account: id('account'), credit_account: id('account') };
const leg = { id: id('transfer'), ...accounts, amount, asset: assetCode };
const counters = {
  id: id('account'),
  posted_debits: amount,
  posted_credits: amount,
  pending_debits: amount,
  pending_credits: amount,
  version,
};
const groupId = id('group');
const keptType = object({
  type: typeName,
  version,
  legs: { type: 'array', minItems: 1, maxItems: LEGS_MAX, items: { type: 'integer', minimum: 0 } },
});
const skipped = { type: 'array', maxItems: LEGS_MAX, items: id('transfer') };
const legNumber = { type: 'integer', minimum: 0 };

/** {@link TransferStanding} */
export const standing = object({ version, reversed: amount });

export const groupSchemas = {
  'payflow.group.post.v1': {
    topic: 'ledger.commands.v1',
    // A group goes to the account its first leg debits.
    key: (data: GroupPost) => (data.legs[0] as Leg).debit_account,
    summary: 'Post one or many transfers, all of them or none.',
    valueBytes_max: GROUP_BYTES_MAX,
    schema: object(
      {
        id: groupId,
        legs: {
          type: 'array',
          minItems: 1,
          maxItems: LEGS_MAX,
          items: object({ ...leg, up_to: { type: 'boolean' } }, { type: typeName }),
        },
        conditions,
        effective_at: nullable(instant),
        metadata,
      },
      { mode: { enum: ['stop_on_first'] }, payment: id('payment'), valid_until: instant },
    ),
    refusable: ['id', 'legs', 'payment'],
  },
  'payflow.transfer.reverse.v1': {
    topic: 'ledger.commands.v1',
    key: (data: TransferReverse) => data.debit_account,
    summary: 'Move the money of a transfer back, all that is left of it or a part.',
    schema: object(
      {
        id: groupId,
        transfer: id('transfer'),
        original: id('transfer'),
        ...accounts,
        amount: nullable(amount),
        metadata,
      },
      { type: typeName, if_standing: standing },
    ),
    refusable: ['id', 'debit_account'],
  },
  'payflow.group.posted.v1': {
    topic: 'ledger.events.v1',
    key: (data: GroupPosted) => (data.legs[0] as PostedLeg).debit_account,
    summary: 'All transfers of the group are booked; the accounts are as it left them.',
    valueBytes_max: GROUP_BYTES_MAX,
    schema: object(
      {
        id: groupId,
        reverses: nullable(object({ transfer: id('transfer'), reversed: amount })),
        legs: { type: 'array', minItems: 1, maxItems: LEGS_MAX, items: object(leg, { effective_at: instant }) },
        accounts: { type: 'array', maxItems: GROUP_ACCOUNTS_MAX, items: object(counters, accountTerms) },
        effective_at: instant,
        metadata,
        recorded_at: instant,
      },
      {
        rate,
        types: { type: 'array', maxItems: GROUP_TYPES_MAX, items: keptType },
        stopped: object({ leg: legNumber, transfer: id('transfer'), reason, skipped }),
        corrects: id('transfer'),
        payment: id('payment'),
      },
    ),
  },
  'payflow.group.rejected.v1': {
    topic: 'ledger.events.v1',
    key: (data: GroupRejected) => data.debit_account,
    summary: 'The group was refused for the reason given; nothing moved.',
    // A thousand skipped transfers are 33 kB: an ordinary message holds them.
    schema: object(
      { id: groupId, debit_account: id('account'), reason, leg: nullable(legNumber), recorded_at: instant },
      { skipped, payment: id('payment') },
    ),
  },
} as const satisfies Record<string, MessageSpec>;
