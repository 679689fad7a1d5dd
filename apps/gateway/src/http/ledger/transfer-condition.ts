import type { TransferStanding } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import type { TransferView } from '../../domain/transfer.js';

/** Which transfer is to be moved back or corrected, and at which version; null: at any. */
export interface AskedTransfer {
  readonly original: TransferView;
  readonly ifVersion: number | null;
}

/** What a transfer's ETag demands: of the ledger, in its own terms, and of whoever asks, at the door. */
export interface TransferCondition {
  readonly demanded: { readonly if_standing?: TransferStanding };
  readonly objection: Problem | undefined;
}

/**
 * The ETag counts what the ledger has no one number for: changes of metadata, and what was moved back. What it was made of, as it is
 * seen here, goes with the command; whether the transfer still stands so, only the ledger can say.
 */
export function transferCondition({ original, ifVersion }: AskedTransfer): TransferCondition {
  if (ifVersion === null) return { demanded: {}, objection: undefined };
  const { version, metadataVersion, reversed } = original;
  return {
    demanded: { if_standing: { version: metadataVersion, reversed } },
    objection: ifVersion === version ? undefined : new Problem('version_differs'),
  };
}
