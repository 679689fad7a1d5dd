import type { MessageSpec } from '../messages.js';
import { amount, assetCode, id, instant, metadata, nullable, object, reason, version } from './schema.js';

/** `payflow.transfer.update.v1`: give a posted transfer other metadata. What was booked stays. */
export interface TransferUpdate {
  readonly id: string;
  /** That of the transfer, so that the command finds its way to it. */
  readonly debit_account: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Refused when the transfer's metadata has another version by then. */
  readonly if_version: number | null;
}

/** `payflow.transfer.updated.v1`: the transfer as it was booked, with its metadata as it is now. */
export interface TransferUpdated {
  readonly id: string;
  readonly debit_account: string;
  readonly credit_account: string;
  readonly amount: string;
  readonly asset: string;
  readonly payment: string | null;
  readonly group: string | null;
  readonly hold: string | null;
  readonly reverses: string | null;
  readonly corrects: string | null;
  readonly effective_at: string;
  readonly recorded_at: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** 1 when it was booked, +1 per change of its metadata. */
  readonly version: number;
  readonly changed_at: string;
}

/** `payflow.transfer.update_rejected.v1` */
export interface TransferUpdateRejected {
  readonly id: string;
  readonly debit_account: string;
  readonly reason: string;
  readonly recorded_at: string;
}

const transfer = { id: id('transfer'), debit_account: id('account') };

export const transferUpdateSchemas = {
  'payflow.transfer.update.v1': {
    topic: 'ledger.commands.v1',
    key: (data: TransferUpdate) => data.debit_account,
    summary: 'Give a posted transfer other metadata.',
    schema: object({ ...transfer, metadata, if_version: nullable(version) }),
    refusable: Object.keys(transfer),
  },
  'payflow.transfer.updated.v1': {
    topic: 'ledger.events.v1',
    key: (data: TransferUpdated) => data.debit_account,
    summary: 'The transfer has other metadata; what was booked is as it was.',
    schema: object({
      ...transfer,
      credit_account: id('account'),
      amount,
      asset: assetCode,
      payment: nullable(id('payment')),
      group: nullable(id('group')),
      hold: nullable(id('hold')),
      reverses: nullable(id('transfer')),
      corrects: nullable(id('transfer')),
      effective_at: instant,
      recorded_at: instant,
      metadata,
      version,
      changed_at: instant,
    }),
  },
  'payflow.transfer.update_rejected.v1': {
    topic: 'ledger.events.v1',
    key: (data: TransferUpdateRejected) => data.debit_account,
    summary: 'The transfer keeps its metadata, for the reason given.',
    schema: object({ ...transfer, reason, recorded_at: instant }),
  },
} as const satisfies Record<string, MessageSpec>;
