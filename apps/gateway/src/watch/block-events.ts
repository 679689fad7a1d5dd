import { fromUuid } from '@payflow/contracts';
import type { AnyOutgoing } from '@payflow/messaging';
import type { BlockChange } from '../database/access-block.repository.js';

/** The whole installation's, and so no tenant's. */
const NO_TENANT = fromUuid('tenant', '00000000-0000-0000-0000-000000000000');
const ACTOR = 'gateway/watch';
/** What other processes are woken with where blocks have changed. */
export const BLOCKS_CHANGED = 'blocks';

/** The event that tells of a block's change. */
export function blockEvent(
  type: 'payflow.block.placed.v1' | 'payflow.block.lifted.v1',
  { block, eventId: id }: BlockChange,
): AnyOutgoing {
  const origin = { tenant: NO_TENANT, livemode: true, actor: block.lifted_by ?? ACTOR };
  return { type, id, subject: block.id, aggregateVersion: block.lifted_at ? 2 : 1, data: block, origin };
}
