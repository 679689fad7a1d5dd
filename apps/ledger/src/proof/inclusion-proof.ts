import type { LedgerSealed } from '@payflow/contracts';
import { hash } from 'node:crypto';
import { isHash, isIncluded, type Place } from './merkle.js';
import { isHeadSignedBy } from './sealed-head.js';
import { keyIdOf } from './signing-key.js';

export const FORMAT = 'payflow-inclusion-proof-v1';

/** All it takes to show, without the database, that a transfer stands in the history that a signed head sums up. */
export interface InclusionProof {
  readonly format: typeof FORMAT;
  /** The transfer's place in its chain, and the text its hash is taken over behind its predecessor's. */
  readonly transfer: {
    /** Where to look for it: no hash is taken over the chain's number, so nothing proves it. */
    readonly chain: number;
    readonly position: number;
    readonly previous_hash: string;
    readonly canonical: string;
    readonly hash: string;
  };
  /** From the transfer's hash to its seal's root. */
  readonly in_seal: Place & { readonly path: readonly string[]; readonly root: string };
  /** From that root to the log's. */
  readonly in_log: Place & { readonly path: readonly string[] };
  readonly head: LedgerSealed;
  /** SubjectPublicKeyInfo, base64. Who trusts nobody compares its id with one that came another way. */
  readonly public_key: string;
}

/** The hash of a link: over its predecessor's, its position and what the row says. */
export function linkHash(previousHash: string, position: bigint | number, canonical: string): string {
  return hash('sha256', `${previousHash}|${position}|${canonical}`, 'hex');
}

/** What is wrong with a proof, or undefined where it holds. Needs nothing but the proof. */
export function faultOf({ format, transfer, in_seal, in_log, head, public_key }: InclusionProof): string | undefined {
  const { previous_hash, position, canonical, hash: of } = transfer;
  if (format !== FORMAT) return 'the format of the proof is not known';
  // In their own shapes, so that the text that is hashed can be divided in one way only.
  const isLink = isHash(previous_hash) && Number.isSafeInteger(position) && position > 0;
  if (!isLink || linkHash(previous_hash, position, canonical) !== of) {
    return 'the transfer is not what its hash was taken over';
  }
  if (!isIncluded(of, in_seal, in_seal.path, in_seal.root)) return 'the transfer is not in the seal';
  if (in_log.size !== head.seal) return 'the path is for a log of another size than the head says';
  if (!isIncluded(in_seal.root, in_log, in_log.path, head.log_root)) return 'the seal is not in the log';
  if (keyIdOf(public_key) !== head.key_id) return 'the key is not the one that the head names';
  return isHeadSignedBy(public_key, head) ? undefined : "the head's signature is not the key's";
}
