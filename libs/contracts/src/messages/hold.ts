import type { MessageSpec } from '../messages.js';
import { accountSnapshot, type AccountSnapshot } from './account.js';
import { amount, assetCode, id, instant, nullable, object, reason, version } from './schema.js';
import { typeName } from './transaction-type.js';

/** `pending` sets money aside; the three others are final. */
export type HoldStatus = 'pending' | 'posted' | 'voided' | 'expired';

/** `payflow.hold.place.v1`: set money aside, to be posted later in full, in part or not at all. */
export interface HoldPlace {
  readonly id: string;
  readonly payment: string | null;
  readonly debit_account: string;
  readonly credit_account: string;
  readonly amount: string;
  readonly asset: string;
  /** The sweeper ends what is still held then; null holds until somebody ends it. */
  readonly expires_at: string | null;
  readonly valid_until: string | null;
  /** The transaction type whose posting rule it keeps to; absent where it names none. */
  readonly type?: string;
}

/** The transaction type that a hold keeps to, and the version of it that it was held against when it was placed. */
export interface HeldType {
  readonly name: string;
  readonly version: number;
}

/** `payflow.hold.post.v1`: book held money. The accounts are the hold's own, so that the command finds its way to them. */
export interface HoldPost {
  /** The transfer that the posting makes. */
  readonly id: string;
  readonly hold: string;
  readonly debit_account: string;
  readonly credit_account: string;
  /** Null posts all that is left. */
  readonly amount: string | null;
  /** Releases what is left after this posting; otherwise more postings may follow. */
  readonly final: boolean;
  /** The version of the hold that it is for; absent: any. */
  readonly if_version?: number;
}

/** `payflow.hold.void.v1`: give back what is still held. */
export interface HoldVoid {
  readonly id: string;
  readonly debit_account: string;
  readonly credit_account: string;
  /** Because its time is over, not because somebody asked. */
  readonly expired: boolean;
  /** The version of the hold that it is for; absent: any. */
  readonly if_version?: number;
}

/** A hold with both accounts as its last change left them. */
export interface HoldState {
  readonly id: string;
  readonly payment: string | null;
  readonly status: HoldStatus;
  readonly amount: string;
  /** How much of the amount has been posted so far. */
  readonly posted: string;
  readonly asset: string;
  readonly expires_at: string | null;
  readonly version: number;
  readonly debit_account: AccountSnapshot;
  readonly credit_account: AccountSnapshot;
  readonly recorded_at: string;
  /** Absent where it names none. Its postings keep to it, too. */
  readonly type?: HeldType;
}

/** `payflow.hold.posted.v1` */
export interface HoldPosted extends HoldState {
  readonly transfer: string;
  /** What this posting booked. */
  readonly transferred: string;
}

/** `payflow.hold.rejected.v1`: nothing changed. */
export interface HoldRejected {
  readonly id: string;
  readonly operation: 'place' | 'post' | 'void';
  /** The transfer that a posting would have made. */
  readonly transfer: string | null;
  readonly payment: string | null;
  readonly debit_account: string;
  readonly reason: string;
  readonly recorded_at: string;
}

const accounts = { debit_account: id('account'), credit_account: id('account') };

const state = {
  id: id('hold'),
  payment: nullable(id('payment')),
  status: { enum: ['pending', 'posted', 'voided', 'expired'] },
  amount,
  posted: amount,
  asset: assetCode,
  expires_at: nullable(instant),
  version,
  debit_account: accountSnapshot,
  credit_account: accountSnapshot,
  recorded_at: instant,
};

const type = { type: object({ name: typeName, version }) };

const debited = (data: HoldState) => data.debit_account.id;

export const holdSchemas = {
  'payflow.hold.place.v1': {
    topic: 'ledger.commands.v1',
    key: (data: HoldPlace) => data.debit_account,
    summary: 'Set money of an account aside for another.',
    schema: object(
      {
        id: id('hold'),
        payment: nullable(id('payment')),
        ...accounts,
        amount,
        asset: assetCode,
        expires_at: nullable(instant),
        valid_until: nullable(instant),
      },
      { type: typeName },
    ),
    refusable: ['id', 'payment', 'debit_account'],
  },
  'payflow.hold.post.v1': {
    topic: 'ledger.commands.v1',
    key: (data: HoldPost) => data.debit_account,
    summary: 'Book held money, all of it or a part.',
    schema: object(
      { id: id('transfer'), hold: id('hold'), ...accounts, amount: nullable(amount), final: { type: 'boolean' } },
      { if_version: version },
    ),
    refusable: ['id', 'hold', 'debit_account'],
  },
  'payflow.hold.void.v1': {
    topic: 'ledger.commands.v1',
    key: (data: HoldVoid) => data.debit_account,
    summary: 'Give back what is still held.',
    schema: object({ id: id('hold'), ...accounts, expired: { type: 'boolean' } }, { if_version: version }),
    refusable: ['id', 'debit_account'],
  },
  'payflow.hold.placed.v1': {
    topic: 'ledger.events.v1',
    key: debited,
    summary: 'The money is set aside: it counts as pending and is not available.',
    schema: object(state, type),
  },
  'payflow.hold.posted.v1': {
    topic: 'ledger.events.v1',
    key: debited,
    summary: 'Held money has been booked by a transfer.',
    schema: object({ ...state, transfer: id('transfer'), transferred: amount }, type),
  },
  'payflow.hold.voided.v1': {
    topic: 'ledger.events.v1',
    key: debited,
    summary: 'What was still held is available again.',
    schema: object(state, type),
  },
  'payflow.hold.rejected.v1': {
    topic: 'ledger.events.v1',
    key: (data: HoldRejected) => data.debit_account,
    summary: 'The hold was not placed, posted or voided, for the reason given; nothing changed.',
    schema: object({
      id: id('hold'),
      operation: { enum: ['place', 'post', 'void'] },
      transfer: nullable(id('transfer')),
      payment: nullable(id('payment')),
      debit_account: id('account'),
      reason,
      recorded_at: instant,
    }),
  },
} as const satisfies Record<string, MessageSpec>;
