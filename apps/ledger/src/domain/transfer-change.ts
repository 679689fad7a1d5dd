import { refuse, type Movement, type Refused } from './transfer.js';

/** A transfer as it was booked, and how often its metadata has changed since. */
export interface Booked extends Movement {
  readonly payment: string | null;
  readonly group: string | null;
  readonly hold: string | null;
  readonly reverses: string | null;
  readonly corrects: string | null;
  readonly effectiveAt: string;
  readonly recordedAt: string;
  /** 1 when it was booked, +1 per change of its metadata. */
  readonly version: number;
}

export interface TransferChange {
  /** That of the transfer, as the command names it: its lock keeps two changes apart. */
  readonly debitAccount: string;
  readonly ifVersion: number | null;
}

/** Decides a change of a transfer's metadata. What it books is not touched, so its accounts may be frozen or closed. */
export function changeTransfer(
  change: TransferChange,
  booked: Booked | undefined,
): { readonly kind: 'changed'; readonly booked: Booked } | Refused {
  if (!booked || booked.debitAccount !== change.debitAccount) return refuse('transfer_not_found');
  if (change.ifVersion !== null && change.ifVersion !== booked.version) return refuse('version_differs');
  // From here the metadata is changed.
  return { kind: 'changed', booked: { ...booked, version: booked.version + 1 } };
}
