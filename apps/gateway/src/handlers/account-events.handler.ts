import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { AnyMessage, Message } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { Consumes, parseTraceparent, type Handled } from '@payflow/messaging';
import type { Reply } from '../acceptance/acceptable.js';
import { Outcomes } from '../acceptance/outcomes.js';
import { openedReply, rejectedReply } from '../acceptance/replies.js';
import { applyOpenings, applySnapshots, removeRejected } from '../database/account-view.repository.js';
import { keyOf, type ResourceKey } from '../database/keys.js';
import { saveReplies, takePending, type PendingWrite } from '../database/reply.repository.js';

type AccountEvent = AnyMessage<
  'payflow.account.opened.v1' | 'payflow.account.rejected.v1' | 'payflow.transfer.posted.v1'
>;
type Rejected = Message<'payflow.account.rejected.v1'>;

/** Brings openings and balances into the account views, and renders the replies of those who asked for an account. */
@Controller()
export class AccountEventsHandler {
  constructor(private readonly outcomes: Outcomes) {}

  @Consumes('gateway.accounts')
  async handle(@Payload() events: readonly AccountEvent[], @Ctx() tx: Transaction): Promise<Handled> {
    // A payment's own event brings both accounts too: applying them twice would only have two consumers wait for each
    // other's row locks.
    const transfers = events
      .filter((event) => event.type === 'payflow.transfer.posted.v1')
      .filter(({ data }) => data.payment === null);
    const openings = events.filter((event) => event.type === 'payflow.account.opened.v1');
    const rejections = events.filter((event) => event.type === 'payflow.account.rejected.v1');
    const [opened] = await Promise.all([
      applyOpenings(
        tx,
        openings.map(({ tenant, livemode, data }) => ({ tenant, livemode, opened: data })),
      ),
      applySnapshots(tx, transfers.flatMap(snapshotsOf)),
    ]);
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

function snapshotsOf({ tenant, livemode, data }: Message<'payflow.transfer.posted.v1'>) {
  return [data.debit_account, data.credit_account].map((snapshot) => ({ tenant, livemode, snapshot }));
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
