import type { Database } from '@payflow/database';
import { findLink, logEntries, newestHead, sealEntries } from '../database/proof.repository.js';
import type { InclusionProof } from './inclusion-proof.js';
import { inclusionPath } from './merkle.js';

export type Proving =
  | { readonly kind: 'proven'; readonly proof: InclusionProof }
  | { readonly kind: 'not_found' }
  /** Booked, and the next seal is at most a minute away. */
  | { readonly kind: 'not_sealed' };

/** Proves that a transfer of the owner stands in the history that the newest head sums up. Ids are UUIDs. */
export async function prove(
  db: Database,
  key: { readonly tenant: string; readonly livemode: boolean; readonly transfer: string },
): Promise<Proving> {
  const link = await findLink(db, key);
  if (!link) return { kind: 'not_found' };
  const newest = await newestHead(db);
  if (link.seal === null || !newest) return { kind: 'not_sealed' };
  const [inSeal, log] = await Promise.all([sealEntries(db, link.seal), logEntries(db)]);
  const inLog = log.slice(0, newest.head.seal);
  const [index, seal] = [inSeal.indexOf(link.hash), link.seal - 1];
  return {
    kind: 'proven',
    proof: {
      format: 'payflow-inclusion-proof-v1',
      transfer: {
        chain: link.chain,
        position: link.position,
        previous_hash: link.previousHash,
        canonical: link.canonical,
        hash: link.hash,
      },
      in_seal: { index, size: inSeal.length, path: inclusionPath(inSeal, index), root: inLog[seal] as string },
      in_log: { index: seal, size: inLog.length, path: inclusionPath(inLog, seal) },
      head: newest.head,
      public_key: newest.publicKey,
    },
  };
}
