import type { Database } from '@payflow/database';
import { GENESIS } from '../database/chain.js';
import { findLink, logStates, newestHead, sealEntries, type SealedLink } from '../database/proof.repository.js';
import { FORMAT, type InclusionProof } from './inclusion-proof.js';
import { inclusionPath, pathSpans, rootOfSpan, type Hash, type Place } from './merkle.js';

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
  const place = { index: link.seal - 1, size: newest.head.seal };
  const [inSeal, inLog] = await Promise.all([sealEntries(db, link.seal), pathInLog(db, place)]);
  const index = inSeal.indexOf(link.hash);
  return {
    kind: 'proven',
    proof: {
      format: FORMAT,
      transfer: {
        chain: link.chain,
        position: link.position,
        previous_hash: previousOf(link, inSeal[index - 1]),
        canonical: link.canonical,
        hash: link.hash,
      },
      in_seal: { index, size: inSeal.length, path: inclusionPath(inSeal, index), root: inLog.root },
      in_log: { ...place, path: inLog.path },
      head: newest.head,
      public_key: newest.publicKey,
    },
  };
}

/** The hash that a link builds on; `before` is the seal's own link before it. */
function previousOf({ position, endBefore }: SealedLink, before: Hash | undefined): Hash {
  return position === 1 ? GENESIS.hash : (endBefore ?? before ?? GENESIS.hash);
}

/**
 * A seal's root, and its way through the log. Each seal keeps the log's frontier, so that two of them tell the hash of any node:
 * the reads grow with the log's height, 20 for a year of minutes, and not with its length.
 */
async function pathInLog(db: Database, place: Place): Promise<{ readonly root: Hash; readonly path: Hash[] }> {
  const seal = place.index + 1;
  const spans = pathSpans(place);
  const states = await logStates(db, [...new Set([seal, ...spans.flatMap(({ end }) => [end - 1, end])])]);
  const entryOf = (number: number) => states.get(number)?.entry as Hash;
  const path = spans.map((span) => {
    const before = { size: span.end - 1, roots: states.get(span.end - 1)?.roots ?? [] };
    return rootOfSpan(span, before, entryOf(span.end));
  });
  return { root: entryOf(seal), path };
}
