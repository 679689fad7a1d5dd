import * as chain from '../database/chain.js';

/** The ledger's chain but for its hashes: what `unchained-hooks` puts in its place, to see what hashing costs. Links that verify nothing. */
export * from '../database/chain.js';

/** Every link repeats the head's hash. Nothing is written down and nothing hashed; all else is as it is. */
export const linked: typeof chain.linked = (head, transfers, keys) =>
  transfers.map((transfer, at) => ({
    transfer,
    row: chain.rowOf(transfer, keys),
    position: head.position + BigInt(at + 1),
    hash: head.hash,
  }));
