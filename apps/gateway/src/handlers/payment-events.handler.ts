import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { crashAt, type AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { Consumes, parseTraceparent, type Handled } from '@payflow/messaging';
import type { Reply } from '../acceptance/acceptable.js';
import { Outcomes } from '../acceptance/outcomes.js';
import { paymentReply } from '../acceptance/replies.js';
import { GatewayCaches } from '../cache/gateway-caches.js';
import { applyCounters } from '../database/account-view.repository.js';
import { keyOf, type ResourceKey } from '../database/keys.js';
import { finishPayments } from '../database/payment-view.repository.js';
import { saveReplies, takePending, type PendingWrite } from '../database/reply.repository.js';
import { applyPolicyEvents, isPolicyEvent, type PolicyEvent } from './policy-events.js';
import { tagsOfPayments } from './changed-tags.js';

type FinalEvent = AnyMessage<'payflow.payment.succeeded.v1' | 'payflow.payment.failed.v1'>;

/** Brings the end of payments into the views, and renders each one's reply: once, for the waiter and for every replay. */
@Controller()
export class PaymentEventsHandler {
  constructor(
    private readonly outcomes: Outcomes,
    private readonly caches: GatewayCaches,
  ) {}

  @Consumes('gateway.payments')
  async handle(@Payload() all: readonly (FinalEvent | PolicyEvent)[], @Ctx() tx: Transaction): Promise<Handled> {
    const policies = await applyPolicyEvents(tx, all.filter(isPolicyEvent));
    const events = all.filter((event): event is FinalEvent => !isPolicyEvent(event));
    const newest = newestOfEach(events);
    const keys = newest.map(resourceOf);
    const stale = tagsOfPayments(newest);
    this.caches.all.change(stale);
    const [changed, pending] = await Promise.all([
      finishPayments(tx, newest.map(toFinal)),
      takePending(tx, 'payment', keys),
      applyCounters(
        tx,
        newest.flatMap(({ tenant, livemode, data }) =>
          data.accounts.map((account) => ({ tenant, livemode, asset: account.asset, counters: account })),
        ),
      ),
    ]);
    const replies = [...changed].flatMap(([key, view]): [PendingWrite, Reply][] => {
      const write = pending.get(key);
      return write ? [[write, paymentReply(view, write.requestId)]] : [];
    });
    replies.push(...(policies as [PendingWrite, Reply][]));
    saveReplies(tx, replies);
    crashAt('reply-written');
    return {
      messages: [],
      repeated: events.filter((event) => !changed.has(keyOf(resourceOf(event)))).map(({ id }) => id),
      afterCommit: () => this.outcomes.deliver(replies, this.caches.all.changed(stale)),
    };
  }
}

/** One statement must not meet a payment twice. */
function newestOfEach(events: readonly FinalEvent[]): FinalEvent[] {
  const newest = new Map<string, FinalEvent>();
  for (const event of events) {
    const key = keyOf(resourceOf(event));
    const known = newest.get(key);
    if (!known || known.data.version < event.data.version) newest.set(key, event);
  }
  return [...newest.values()];
}

function resourceOf({ tenant, livemode, data }: FinalEvent): ResourceKey {
  return { tenant, livemode, id: data.id };
}

function toFinal({ tenant, livemode, data, traceparent }: FinalEvent) {
  return { tenant, livemode, data, traceId: parseTraceparent(traceparent)?.traceId ?? null };
}
