import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { crashAt } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { Consumes, type Handled } from '@payflow/messaging';
import type { Reply } from '../acceptance/acceptable.js';
import { Outcomes } from '../acceptance/outcomes.js';
import { paymentReply } from '../acceptance/payment-replies.js';
import { GatewayCaches } from '../cache/gateway-caches.js';
import { applyCounters, type OwnedCounters } from '../database/account-view.repository.js';
import { keyOf } from '../database/keys.js';
import { applyPayments, findPayments } from '../database/payment-view.repository.js';
import { saveReplies, takePending, type PendingWrite } from '../database/reply.repository.js';
import { paymentAt, type PaymentView } from '../domain/payment.js';
import { applyClockEvents, type ClockEvent } from './clock-events.js';
import { tagsOfCounters, tagsOfOwners, tagsOfPayments } from './changed-tags.js';
import { applyDisputeEvents, countersOfDispute, isDisputeEvent, type DisputeEvent } from './dispute-events.js';
import { applyOperations } from './payment-operations.js';
import { applyPolicyEvents, isPolicyEvent, type PolicyEvent } from './policy-events.js';
import {
  firstRestOfEach,
  isOperationEvent,
  newestOfEach,
  paymentKeyOf,
  stateOf,
  type OperationEvent,
  type PaymentEvent,
  type PaymentState,
} from './payment-states.js';

/**
 * Brings the states of payments and the ends of what was asked of them into the views, and renders each reply: once, for the
 * waiter and for every replay. A payment's view is moved by the payment's own events alone, which come before the end of what
 * moved it, and keeps the newest.
 */
@Controller()
export class PaymentEventsHandler {
  constructor(
    private readonly outcomes: Outcomes,
    private readonly caches: GatewayCaches,
  ) {}

  @Consumes('gateway.payments')
  async handle(
    @Payload() batch: readonly (PaymentEvent | OperationEvent | DisputeEvent | PolicyEvent | PaymentsClockEvent)[],
    @Ctx() tx: Transaction,
  ): Promise<Handled> {
    await applyClockEvents(tx, batch.filter(isClockEvent));
    const policies = await applyPolicyEvents(tx, batch.filter(isPolicyEvent));
    const disputes = batch.filter(isDisputeEvent);
    const events = batch.filter(
      (event): event is PaymentEvent | OperationEvent =>
        !isDisputeEvent(event) && !isPolicyEvent(event) && !isClockEvent(event),
    );
    const told = events.filter((event) => !isOperationEvent(event));
    const states = told.map(stateOf);
    const rests = firstRestOfEach(states);
    // Of every event, not of the newest alone: each may have moved other accounts.
    const all = told.length === events.length ? states : events.map(stateOf);
    const moved = disputes.flatMap(countersOfDispute);
    const stale = [...tagsOfPayments(all), ...tagsOfCounters(moved), ...tagsOfOwners(batch)];
    this.caches.all.change(stale);
    const [changed, pending] = await Promise.all([
      applyPayments(tx, newestOfEach(states)),
      takePending(tx, 'payment', [...rests.values()].map(paymentKeyOf)),
      applyCounters(tx, [...moved, ...all.flatMap(countersOf)]),
    ]);
    const ended = await applyOperations(tx, events.filter(isOperationEvent), changed);
    const disputed = await applyDisputeEvents(tx, disputes);
    const behind = await findBehind(tx, pending, changed);
    const replies = [
      ...createdReplies(rests, new Map([...changed, ...behind]), pending),
      ...ended,
      ...disputed,
      ...policies,
    ];
    saveReplies(tx, replies);
    crashAt('reply-written');
    return {
      messages: [],
      afterCommit: () => this.outcomes.deliver(replies, this.caches.all.changed(stale)),
    };
  }
}

type PaymentsClockEvent = ClockEvent<'payflow.payments_clock.moved.v1'>;

function isClockEvent(event: { readonly type: string }): event is PaymentsClockEvent {
  return event.type === 'payflow.payments_clock.moved.v1';
}

/** The payments that somebody waits for and that stand as they did: an event that stands later was applied before. Nothing for nothing. */
function findBehind(
  tx: Transaction,
  pending: ReadonlyMap<string, PendingWrite>,
  changed: ReadonlyMap<string, PaymentView>,
): Promise<Map<string, PaymentView>> {
  return findPayments(
    tx,
    [...pending.values()].filter((write) => !changed.has(keyOf(write))),
  );
}

/** A payment's creation is answered with the first state in which it rests, though the view may be further on. */
function createdReplies(
  rests: ReadonlyMap<string, PaymentState>,
  views: ReadonlyMap<string, PaymentView>,
  pending: ReadonlyMap<string, PendingWrite>,
): [PendingWrite, Reply][] {
  return [...rests].flatMap(([key, { data }]): [PendingWrite, Reply][] => {
    const [view, write] = [views.get(key), pending.get(key)];
    return view && write ? [[write, paymentReply(paymentAt(view, data), write.requestId)]] : [];
  });
}

/** The accounts as the payment's last movement left them. */
function countersOf({ tenant, livemode, data }: PaymentState): OwnedCounters[] {
  return data.accounts.map((account) => ({ tenant, livemode, asset: account.asset, counters: account }));
}
