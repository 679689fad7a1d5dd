import type { MessageSpec } from '../messages.js';
import { instant, object } from './schema.js';

/** Where one chain of transfers had come to. */
export interface ChainEnd {
  readonly chain: number;
  readonly position: number;
  /** SHA-256, hexadecimal. */
  readonly hash: string;
}

/**
 * `payflow.ledger.sealed.v1`: the head of the ledger's log, signed. Published, it lies outside the database: whoever kept one
 * can prove that the history before it has not been changed since.
 */
export interface LedgerSealed {
  /** Number of the seal, from 1 on, and so the size of the log. */
  readonly seal: number;
  readonly sealed_at: string;
  /** How many transfers this seal adds. */
  readonly transfers: number;
  /** Merkle root over the chain hashes of those transfers, by chain and position (RFC 9162, SHA-256, hexadecimal). */
  readonly root: string;
  /** Merkle root over the roots of all seals so far. */
  readonly log_root: string;
  readonly chains: readonly ChainEnd[];
  readonly key_id: string;
  /** Ed25519 over the fields above, base64. */
  readonly signature: string;
}

/** The whole ledger's, and so no tenant's. */
export const LEDGER_SUBJECT = 'ledger';

const hash = { type: 'string', pattern: '^[0-9a-f]{64}$' };
const count = { type: 'integer', minimum: 0 };

export const sealSchemas = {
  'payflow.ledger.sealed.v1': {
    topic: 'ledger.events.v1',
    key: () => LEDGER_SUBJECT,
    summary: "The ledger's history up to here is sealed, and the seal signed.",
    schema: object({
      seal: { type: 'integer', minimum: 1 },
      sealed_at: instant,
      transfers: count,
      root: hash,
      log_root: hash,
      chains: { type: 'array', maxItems: 12, items: object({ chain: count, position: count, hash }) },
      key_id: { type: 'string', pattern: '^[0-9a-f]{16}$' },
      signature: { type: 'string', pattern: '^[A-Za-z0-9+/]{86}==$' },
    }),
  },
} as const satisfies Record<string, MessageSpec>;
