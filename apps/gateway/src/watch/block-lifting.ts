import type { Wake } from '@payflow/cache';
import { toUuid } from '@payflow/contracts';
import type { Messaging } from '@payflow/messaging';
import { Problem } from '@payflow/service';
import { liftOwnBlock, lockOwnBlock } from '../database/own-block.repository.js';
import { blockResource, type OwnBlock } from '../domain/block.js';
import type { Caller } from '../http/edge/caller.js';
import type { OwnWork } from '../identity/own-writes.js';
import { BLOCKS_CHANGED, blockEvent } from './block-events.js';

/** Lets in again whom an organisation vouches for: its own keys and users, and nobody's address. */
export class BlockLifting {
  constructor(
    private readonly messaging: Messaging,
    private readonly wake: Wake,
  ) {}

  /** `reason`: what is told beside who did it. One that has ended, or was lifted before, stays as it is. */
  lift(id: string, reason: string, { organisation: tenant, livemode, actor }: Caller): OwnWork {
    const key = { tenant, livemode, id };
    return async (tx) => {
      const before = await lockOwnBlock(tx, key);
      if (!before) throw new Problem('not_found');
      const lifted = await liftOwnBlock(tx, key, { actor, reason });
      if (!lifted) return { status: 200, ...seen(before, before) };
      const outgoing = [blockEvent('payflow.block.lifted.v1', lifted.change)];
      const staged = this.messaging.outbox.stageAtCommit(tx, { outgoing, finished: [], parentOf: () => undefined });
      const afterCommit = (): void => {
        staged.publish();
        this.wake.wake([BLOCKS_CHANGED]);
      };
      return { status: 200, ...seen(before, lifted.block), afterCommit };
    };
  }
}

function seen(before: OwnBlock, after: OwnBlock) {
  // A user is kept out of both modes, and let in to both.
  const audited = { isOfUser: toUuid('user', before.subject) !== undefined };
  return { before: blockResource(before), body: blockResource(after), audited };
}
