import type { MessageSpec } from '../messages.js';
import { id, instant, nullable, object } from './schema.js';

/** What makes somebody suspicious enough to be blocked. */
export const SUSPICIONS = ['unauthenticated_burst', 'not_found_burst', 'id_enumeration'] as const;
export type Suspicion = (typeof SUSPICIONS)[number];

/** Whom a block is about: an address (of IPv6 its /64), or a key or a user by its id. */
export const BLOCK_KINDS = ['address', 'credential'] as const;
export type BlockKind = (typeof BLOCK_KINDS)[number];

/** `payflow.block.placed.v1` and `…lifted.v1`: somebody is not let in for a while, and, once an operator has decided so, again. */
export interface BlockState {
  readonly id: string;
  readonly kind: BlockKind;
  readonly subject: string;
  readonly suspicion: Suspicion;
  /** How many different credentials, paths or ids were tried within a minute. */
  readonly count: number;
  /** From 1 on: how often within a day, this time included. */
  readonly level: number;
  readonly blocked_at: string;
  readonly blocked_until: string;
  readonly lifted_at: string | null;
  readonly lifted_by: string | null;
  readonly lift_reason: string | null;
}

/** `payflow.api_key.new_network.v1`: a key was used from a network that it was never used from before. */
export interface NewNetwork {
  readonly key: string;
  /** The /24 or, of IPv6, the /48. */
  readonly network: string;
  readonly address: string;
  /** From how many others it was used until then. */
  readonly networks_before: number;
  readonly seen_at: string;
}

const text = { type: 'string', minLength: 1, maxLength: 500 };
const count = { type: 'integer', minimum: 1 };

const block = (summary: string) => ({
  topic: 'gateway.events.v1' as const,
  key: (data: BlockState) => data.subject,
  summary,
  schema: object({
    id: id('block'),
    kind: { enum: [...BLOCK_KINDS] },
    subject: text,
    suspicion: { enum: [...SUSPICIONS] },
    count,
    level: count,
    blocked_at: instant,
    blocked_until: instant,
    lifted_at: nullable(instant),
    lifted_by: nullable(text),
    lift_reason: nullable(text),
  }),
});

export const accessSchemas = {
  'payflow.block.placed.v1': block(
    'An address or a credential is not let in for a while: what it tried is suspicious.',
  ),
  'payflow.block.lifted.v1': block('An operator lets an address or a credential in again before its time.'),
  'payflow.api_key.new_network.v1': {
    topic: 'gateway.events.v1',
    key: (data: NewNetwork) => data.key,
    summary: 'A key was used from a network that it was never used from before.',
    schema: object({
      key: id('apiKey'),
      network: text,
      address: text,
      networks_before: count,
      seen_at: instant,
    }),
  },
} as const satisfies Record<string, MessageSpec>;
