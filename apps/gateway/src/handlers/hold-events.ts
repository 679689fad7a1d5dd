import type { AnyMessage, Message } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import type { Reply } from '../acceptance/acceptable.js';
import { holdChangedReply, holdPlacedReply, holdRefusedReply } from '../acceptance/replies.js';
import type { OwnedCounters } from '../database/account-view.repository.js';
import { applyHolds, failHolds, findHolds, type OwnedHold } from '../database/hold-view.repository.js';
import { keyOf, type ResourceKey } from '../database/keys.js';
import { failTransfers, postTransfers } from '../database/transfer-view.repository.js';
import { holdAt, type HoldView } from '../domain/hold.js';
import type { TransferView } from '../domain/transfer.js';
import { traceIdOf, writeAnsweredBy, type Answered, type Replies } from './answered.js';

export type HoldEvent = AnyMessage<
  'payflow.hold.placed.v1' | 'payflow.hold.posted.v1' | 'payflow.hold.voided.v1' | 'payflow.hold.rejected.v1'
>;
type Rejected = Message<'payflow.hold.rejected.v1'>;
type Changed = Exclude<HoldEvent, Rejected>;

/** Brings holds and the transfers of their postings into the views, and answers those who asked. */
export async function applyHoldEvents(
  tx: Transaction,
  events: readonly HoldEvent[],
  answered: Answered,
): Promise<Replies> {
  const changed = events.filter((event) => event.type !== 'payflow.hold.rejected.v1');
  const rejected = events.filter((event) => event.type === 'payflow.hold.rejected.v1');
  return [
    ...(changed.length > 0 ? await applyChanged(tx, changed, answered) : []),
    ...(rejected.length > 0 ? await applyRejected(tx, rejected, answered) : []),
  ];
}

/** Both accounts as the hold's change left them. */
export function countersOfHold(event: HoldEvent): OwnedCounters[] {
  if (event.type === 'payflow.hold.rejected.v1') return [];
  const { tenant, livemode, data } = event;
  return [data.debit_account, data.credit_account].map((account) => ({
    tenant,
    livemode,
    asset: account.asset,
    counters: account,
  }));
}

async function applyChanged(tx: Transaction, events: readonly Changed[], answered: Answered): Promise<Replies> {
  const views = await applyHolds(tx, events.map(ownedHold));
  await postTransfers(tx, events.flatMap(transferOf));
  return events.flatMap((event): Replies => {
    const write = writeAnsweredBy(event, answered);
    const view = views.get(keyOf(holdKeyOf(event)));
    return write && view ? [[write, changedReply(event, holdAt(view, event.data, ownedHold(event).transfer))]] : [];
  });
}

function changedReply(event: Changed, view: HoldView): Reply {
  return event.type === 'payflow.hold.placed.v1' ? holdPlacedReply(view) : holdChangedReply(view);
}

async function applyRejected(tx: Transaction, events: readonly Rejected[], answered: Answered): Promise<Replies> {
  const refused = events.flatMap((event) => {
    const write = writeAnsweredBy(event, answered);
    return write ? [{ event, write }] : [];
  });
  const ofKind = (kind: 'hold' | 'transfer') =>
    refused.flatMap(({ write: { tenant, livemode, id, kind: own }, event }) =>
      own === kind ? [{ tenant, livemode, id, code: event.data.reason, leg: null }] : [],
    );
  await failHolds(tx, ofKind('hold'));
  await failTransfers(tx, ofKind('transfer'));
  const holds = await findHolds(
    tx,
    refused.map(({ event }) => holdKeyOf(event)),
  );
  return refused.flatMap(({ event, write }): Replies => {
    const view = holds.get(keyOf(holdKeyOf(event)));
    return view ? [[write, holdRefusedReply(view, event.data, write.requestId, traceIdOf(event) ?? undefined)]] : [];
  });
}

function holdKeyOf({ tenant, livemode, data: { id } }: HoldEvent): ResourceKey {
  return { tenant, livemode, id };
}

function ownedHold(event: Changed): OwnedHold {
  const { tenant, livemode, data } = event;
  const transfer = event.type === 'payflow.hold.posted.v1' ? event.data.transfer : null;
  return { tenant, livemode, state: data, transfer, traceId: traceIdOf(event) };
}

/** A posting is a transfer like any other. */
function transferOf(event: Changed): TransferView[] {
  if (event.type !== 'payflow.hold.posted.v1') return [];
  const { tenant, livemode, data } = event;
  return [
    {
      tenant,
      livemode,
      id: data.transfer,
      status: 'posted',
      debitAccount: data.debit_account.id,
      creditAccount: data.credit_account.id,
      amount: data.transferred,
      asset: data.asset,
      group: null,
      position: null,
      payment: data.payment,
      hold: data.id,
      reverses: null,
      reversed: '0',
      type: data.type?.name ?? null,
      corrects: null,
      correctedBy: null,
      effectiveAt: data.recorded_at,
      rate: null,
      metadata: {},
      metadataVersion: 1,
      failure: null,
      traceId: traceIdOf(event),
      version: 1,
      createdAt: data.recorded_at,
      recordedAt: data.recorded_at,
    },
  ];
}
