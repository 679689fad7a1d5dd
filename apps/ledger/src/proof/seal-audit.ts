import type { Database } from '@payflow/database';
import { sealEntries, sealsAfter, type KeptSeal } from '../database/proof.repository.js';
import { EMPTY_LOG, appended, logRoot, rootOf, type Frontier, type Hash } from './merkle.js';
import { isHeadSignedBy } from './sealed-head.js';
import { keyIdOf } from './signing-key.js';

/** What a seal follows on. */
interface Before {
  readonly toXact: string;
  readonly log: Frontier;
}

/**
 * Holds the signed log against the transfers it was signed over, each seal anew. Whoever can write everything can make the chains
 * agree with a changed row, but cannot sign the head of another history: so the seals that the row lies in, or is missing from,
 * are named. What was taken off the end of the log shows only where its heads were published.
 * The public keys are the database's own: `trusted`, ids of keys that are known from elsewhere, keeps out one that was put there.
 */
export async function brokenSeals(db: Database, trusted?: readonly string[]): Promise<string[]> {
  const broken: string[] = [];
  let before: Before = { toXact: '0', log: EMPTY_LOG };
  for (let seals = await sealsAfter(db, 0); seals.length > 0; seals = await sealsAfter(db, before.log.size)) {
    for (const seal of seals) {
      const entries = await sealEntries(db, seal.seal);
      const log = appended(before.log, rootOf(entries));
      const fault = faultOfSeal(seal, before, { entries, log });
      if (fault !== undefined) broken.push(`seals/${seal.seal} ${fault}`);
      else if (trusted && !trusted.includes(seal.keyId)) broken.push(`seals/${seal.seal} is signed by ${seal.keyId}`);
      // One fault is told once: the next is held against what this seal says.
      before = { toXact: seal.toXact, log: { size: seal.seal, roots: seal.frontier } };
    }
  }
  return broken;
}

function faultOfSeal(
  { seal, fromXact, head, root, frontier, keyId, publicKey }: KeptSeal,
  before: Before,
  found: { readonly entries: readonly Hash[]; readonly log: Frontier },
): string | undefined {
  if (seal !== before.log.size + 1 || fromXact !== before.toXact) return 'does not follow on the one before';
  const sums = rootOf(found.entries);
  if (sums !== root || sums !== head.root) return 'was signed over other transfers';
  if (found.log.roots.join() !== frontier.join() || logRoot(found.log) !== head.log_root) return 'is not in its log';
  if (head.seal !== seal || head.transfers !== found.entries.length) return 'is not what its head says';
  if (head.key_id !== keyId || keyIdOf(publicKey) !== keyId || !isHeadSignedBy(publicKey, head)) {
    return 'is not signed by its key';
  }
  return undefined;
}
