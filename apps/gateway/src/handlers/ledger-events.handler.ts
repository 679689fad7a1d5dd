import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { AnyMessage, Message } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { Consumes, parseTraceparent, type Handled } from '@payflow/messaging';
import type { Reply } from '../acceptance/acceptable.js';
import { Outcomes } from '../acceptance/outcomes.js';
import { openedReply, rejectedReply } from '../acceptance/replies.js';
import { applyOpenings, removeRejected } from '../database/account-view.repository.js';
import { keyOf, type ResourceKey } from '../database/keys.js';
import { saveReplies, takePending, type PendingWrite } from '../database/reply.repository.js';

type AccountEvent = AnyMessage<'payflow.account.opened.v1' | 'payflow.account.rejected.v1'>;
type Rejected = Message<'payflow.account.rejected.v1'>;

/**
 * Brings openings into the account views, and renders the replies of those who asked for an account. A payment's own event
 * brings the balances of both its accounts, so its transfer's is not read here as well.
 */
@Controller()
export class AccountEventsHandler {
  constructor(private readonly outcomes: Outcomes) {}

  @Consumes('gateway.accounts')
  async handle(@Payload() events: readonly AccountEvent[], @Ctx() tx: Transaction): Promise<Handled> {
    const openings = events.filter((event) => event.type === 'payflow.account.opened.v1');
    const rejections = events.filter((event) => event.type === 'payflow.account.rejected.v1');
    const opened = await applyOpenings(
      tx,
      openings.map(({ tenant, livemode, data }) => ({ tenant, livemode, opened: data })),
    );
    const pending = await this.endWaits(tx, [...openings, ...rejections].map(resourceOf));
    await removeRejected(
      tx,
      rejections.map(resourceOf).filter((key) => pending.has(keyOf(key))),
    );
    const replies = [...pending].flatMap(([key, write]): [PendingWrite, Reply][] => {
      const view = opened.get(key);
      const rejection = rejections.find((event) => keyOf(resourceOf(event)) === key);
      if (view) return [[write, openedReply(view)]];
      return rejection ? [[write, rejectedReply(rejection.data.reason, write.requestId, traceIdOf(rejection))]] : [];
    });
    saveReplies(tx, replies);
    return { messages: [], afterCommit: () => this.outcomes.deliver(replies) };
  }

  private async endWaits(tx: Transaction, keys: readonly ResourceKey[]): Promise<ReadonlyMap<string, PendingWrite>> {
    return keys.length > 0 ? takePending(tx, 'account', keys) : new Map<string, PendingWrite>();
  }
}

function resourceOf({
  tenant,
  livemode,
  data,
}: {
  tenant: string;
  livemode: boolean;
  data: { id: string };
}): ResourceKey {
  return { tenant, livemode, id: data.id };
}

function traceIdOf({ traceparent }: Rejected): string | undefined {
  return parseTraceparent(traceparent)?.traceId;
}
