import type { AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { evidenceRefusedReply, evidenceReply } from '../acceptance/dispute-replies.js';
import type { OwnedCounters } from '../database/account-view.repository.js';
import { applyDisputes } from '../database/dispute-view.repository.js';
import { keyOf, type Owner } from '../database/keys.js';
import { takeAnswered, type PendingWrite } from '../database/reply.repository.js';
import { disputeOf } from '../domain/dispute.js';
import { traceIdOf, type Replies } from './answered.js';

type StateEvent = AnyMessage<
  | 'payflow.dispute.opened.v1'
  | 'payflow.dispute.updated.v1'
  | 'payflow.dispute.evidence_submitted.v1'
  | 'payflow.dispute.won.v1'
  | 'payflow.dispute.lost.v1'
>;
type Rejected = AnyMessage<'payflow.dispute.evidence_rejected.v1'>;
export type DisputeEvent = StateEvent | Rejected;

export function isDisputeEvent(event: AnyMessage): event is DisputeEvent {
  return event.type.startsWith('payflow.dispute.');
}

/** The accounts as the dispute's last movement left them. */
export function countersOfDispute(event: DisputeEvent): OwnedCounters[] {
  if (event.type === 'payflow.dispute.evidence_rejected.v1') return [];
  const { tenant, livemode, data } = event;
  return data.accounts.map((account) => ({ tenant, livemode, asset: account.asset, counters: account }));
}

/** Brings disputes into the views, and answers those who sent evidence: two statements at most. */
export async function applyDisputeEvents(tx: Transaction, events: readonly DisputeEvent[]): Promise<Replies> {
  if (events.length === 0) return [];
  const states = events.filter((event) => event.type !== 'payflow.dispute.evidence_rejected.v1');
  const ends = events.filter(endsWait);
  const [, pending] = await Promise.all([
    applyDisputes(tx, states.map(viewOf)),
    ends.length > 0 ? takeAnswered(tx, ends.map(commandOf)) : new Map<string, PendingWrite>(),
  ]);
  return ends.flatMap((event): Replies => {
    const write = pending.get(keyOf(commandOf(event)));
    return write ? [[write, replyTo(event, write)]] : [];
  });
}

type End = AnyMessage<'payflow.dispute.evidence_submitted.v1'> | Rejected;

function endsWait(event: DisputeEvent): event is End {
  return (
    event.type === 'payflow.dispute.evidence_submitted.v1' || event.type === 'payflow.dispute.evidence_rejected.v1'
  );
}

/** The event's cause is the provider's answer: the command that asked is named in it. */
function commandOf({ tenant, livemode, data: { command } }: End): Owner & { readonly id: string } {
  return { tenant, livemode, id: command };
}

function viewOf(event: StateEvent) {
  const state = 'command' in event.data ? withoutCommand(event.data) : event.data;
  return disputeOf(event, state, traceIdOf(event));
}

function withoutCommand<D extends { readonly command: string }>({
  command: _command,
  ...state
}: D): Omit<D, 'command'> {
  return state;
}

function replyTo(event: End, { requestId }: PendingWrite) {
  if (event.type === 'payflow.dispute.evidence_submitted.v1') return evidenceReply(viewOf(event));
  const { id: dispute, reason } = event.data;
  return evidenceRefusedReply({ dispute, reason }, requestId, traceIdOf(event) ?? undefined);
}
