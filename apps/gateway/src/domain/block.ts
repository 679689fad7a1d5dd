import type { BlockState } from '@payflow/contracts';

export const BLOCK_STATUSES = ['active', 'ended', 'lifted'] as const;
export type BlockStatus = (typeof BLOCK_STATUSES)[number];

/** A block on a key or a user of an organisation. */
export type OwnBlock = BlockState & {
  readonly status: BlockStatus;
  /** When it was placed: its place in a list. */
  readonly createdAt: string;
};

/** A block of the HTTP API. */
export function blockResource(block: OwnBlock) {
  const { id, subject, status, suspicion, count, level, createdAt: created_at, blocked_until } = block;
  const { lifted_at, lifted_by, lift_reason } = block;
  return {
    ...{ id, object: 'block', subject, status, suspicion, count, level, created_at, blocked_until },
    ...{ lifted_at, lifted_by, lift_reason },
  };
}
