import { uuidOf, type AnyMessage, type Message } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { transferGroupReply, transferReply } from '../acceptance/replies.js';
import type { OwnedCounters } from '../database/account-view.repository.js';
import { keyOf, type ResourceKey } from '../database/keys.js';
import { failGroups, postGroups, type GroupHead } from '../database/transfer-group-view.repository.js';
import {
  failTransfers,
  failTransfersOfGroups,
  postTransfers,
  removeSkipped,
  type Refused,
} from '../database/transfer-view.repository.js';
import type { TransferView } from '../domain/transfer.js';
import { traceIdOf, writeAnsweredBy, type Answered, type Replies } from './answered.js';

export type GroupEvent = AnyMessage<'payflow.group.posted.v1' | 'payflow.group.rejected.v1'>;
type Posted = Message<'payflow.group.posted.v1'>;
type Rejected = Message<'payflow.group.rejected.v1'>;

/** Brings posted and refused transfers into the views, and answers those who asked for them. */
export async function applyGroups(
  tx: Transaction,
  events: readonly GroupEvent[],
  answered: Answered,
): Promise<Replies> {
  const posted = events.filter((event) => event.type === 'payflow.group.posted.v1');
  const rejected = events.filter((event) => event.type === 'payflow.group.rejected.v1');
  return [
    ...(posted.length > 0 ? await applyPosted(tx, posted, answered) : []),
    ...(rejected.length > 0 ? await applyRejected(tx, rejected, answered) : []),
  ];
}

/** The accounts as the group left them; which asset each is kept in, its legs say. */
export function countersOfGroup(event: GroupEvent): OwnedCounters[] {
  if (event.type !== 'payflow.group.posted.v1') return [];
  const { tenant, livemode, data } = event;
  const assets = new Map(
    data.legs.flatMap(({ debit_account, credit_account, asset }) => [
      [debit_account, asset],
      [credit_account, asset],
    ]),
  );
  return data.accounts.map((counters) => ({ tenant, livemode, asset: assets.get(counters.id) ?? '', counters }));
}

async function applyPosted(tx: Transaction, events: readonly Posted[], answered: Answered): Promise<Replies> {
  const transfers = await postTransfers(tx, events.flatMap(transfersOf));
  await failTransfers(tx, events.flatMap(stopOf));
  await removeSkipped(tx, events.flatMap(skippedBy));
  const groups = await postGroups(tx, events.filter((event) => !isSingle(event)).map(groupOf));
  return events.flatMap((event): Replies => {
    const write = writeAnsweredBy(event, answered);
    if (!write) return [];
    const views = transfersOf(event).flatMap((view) => transfers.get(keyOf(view)) ?? []);
    const group = groups.get(keyOf(groupKeyOf(event)));
    if (group) return [[write, transferGroupReply({ ...group, transfers: views }, write.requestId)]];
    // The last of them is what was asked for: what a correction moves back comes before.
    const asked = views.at(-1);
    return asked ? [[write, transferReply(asked, write.requestId)]] : [];
  });
}

async function applyRejected(tx: Transaction, events: readonly Rejected[], answered: Answered): Promise<Replies> {
  const refused = events.flatMap((event) => {
    const write = writeAnsweredBy(event, answered);
    if (!write) return [];
    const { tenant, livemode, id, kind } = write;
    return [{ write, key: keyOf(write), refusal: { tenant, livemode, id, ...failureOf(event, kind === 'group') } }];
  });
  const ofKind = (kind: 'transfer' | 'group'): Refused[] =>
    refused.flatMap(({ write, refusal }) => (write.kind === kind ? [refusal] : []));
  await removeSkipped(tx, events.flatMap(skippedBy));
  const transfers = await failTransfers(tx, ofKind('transfer'));
  const groups = await failGroups(tx, ofKind('group'));
  const legs = await failTransfersOfGroups(tx, ofKind('group'));
  return refused.flatMap(({ write, key }): Replies => {
    const [transfer, group] = [transfers.get(key), groups.get(key)];
    if (transfer) return [[write, transferReply(transfer, write.requestId)]];
    return group ? [[write, transferGroupReply({ ...group, transfers: legsOf(group, legs) }, write.requestId)]] : [];
  });
}

/** The leg that ended a group which stops on the first refusal, as far as the event tells of one. */
export function stopLegOf({ data }: GroupEvent): number | null {
  if ('legs' in data) return data.stopped?.leg ?? null;
  return data.skipped ? data.leg : null;
}

/** The transfer that was refused behind those that are posted. */
function stopOf({ tenant, livemode, data: { stopped } }: Posted): Refused[] {
  return stopped ? [{ tenant, livemode, id: stopped.transfer, code: stopped.reason, leg: stopped.leg }] : [];
}

function skippedBy({ tenant, livemode, data }: GroupEvent) {
  const skipped = 'legs' in data ? data.stopped?.skipped : data.skipped;
  return skipped?.map((id) => ({ tenant, livemode, id, group: data.id })) ?? [];
}

/** Of a transfer that was asked for alone, it is no leg that is at fault. */
function failureOf({ data: { reason, leg } }: Rejected, ofGroup: boolean): { code: string; leg: number | null } {
  return { code: reason, leg: ofGroup ? leg : null };
}

function legsOf(group: GroupHead, legs: readonly TransferView[]): TransferView[] {
  return legs.filter(
    ({ tenant, livemode, group: id }) => tenant === group.tenant && livemode === group.livemode && id === group.id,
  );
}

/**
 * A transfer that was asked for alone shares its UUID with its group, which is nobody's resource. So does the one that takes
 * the place of another, and what moves that one back comes with it.
 */
function isSingle({ data: { id, legs, corrects } }: Posted): boolean {
  const [first] = legs;
  if (corrects !== undefined) return true;
  return legs.length === 1 && first !== undefined && uuidOf('transfer', first.id) === uuidOf('group', id);
}

function groupKeyOf({ tenant, livemode, data: { id } }: Posted): ResourceKey {
  return { tenant, livemode, id };
}

function transfersOf(event: Posted): TransferView[] {
  const { tenant, livemode, data } = event;
  const single = isSingle(event);
  const types = new Map(data.types?.flatMap(({ type, legs }) => legs.map((at) => [at, type] as const)));
  return data.legs.map((leg, position) => ({
    tenant,
    livemode,
    id: leg.id,
    status: 'posted',
    debitAccount: leg.debit_account,
    creditAccount: leg.credit_account,
    amount: leg.amount,
    asset: leg.asset,
    group: single ? null : data.id,
    position: single ? null : position,
    payment: data.payment ?? null,
    hold: null,
    ...linksOf(data, position),
    reversed: '0',
    type: types.get(position) ?? null,
    rate: data.rate ?? null,
    correctedBy: null,
    effectiveAt: leg.effective_at ?? data.effective_at,
    // Of a group, the group has them; of a correction, what stands in the original's place.
    metadata: single && position === data.legs.length - 1 ? data.metadata : {},
    metadataVersion: 1,
    failure: null,
    traceId: traceIdOf(event),
    version: 1,
    createdAt: data.recorded_at,
    recordedAt: data.recorded_at,
  }));
}

/** Of a correction the first leg moves the original back, and the second takes its place. */
function linksOf({ reverses, corrects }: Posted['data'], position: number) {
  if (corrects === undefined) return { reverses: reverses && reverses.transfer, corrects: null };
  return position === 0 ? { reverses: corrects, corrects: null } : { reverses: null, corrects };
}

function groupOf(event: Posted): GroupHead {
  const { data } = event;
  return {
    ...groupKeyOf(event),
    status: 'posted',
    effectiveAt: data.effective_at,
    rate: data.rate ?? null,
    metadata: data.metadata,
    failure: null,
    traceId: traceIdOf(event),
    version: 1,
    createdAt: data.recorded_at,
    recordedAt: data.recorded_at,
  };
}
