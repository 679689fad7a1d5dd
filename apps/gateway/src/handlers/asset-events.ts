import type { AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { definedReply, definitionRefusedReply } from '../acceptance/replies.js';
import { applyUnits } from '../database/unit-view.repository.js';
import type { UnitView } from '../domain/asset.js';
import { traceIdOf, writeAnsweredBy, type Answered, type Replies } from './answered.js';

export type AssetEvent = AnyMessage<'payflow.asset.defined.v1' | 'payflow.asset.rejected.v1'>;

/** Brings units of tenants' own into the views, and answers those who asked for one. */
export async function applyAssets(
  tx: Transaction,
  events: readonly AssetEvent[],
  answered: Answered,
): Promise<Replies> {
  if (events.length === 0) return [];
  await applyUnits(tx, events.flatMap(unitOf));
  return events.flatMap((event): Replies => {
    const write = writeAnsweredBy(event, answered);
    if (!write) return [];
    const reply =
      event.type === 'payflow.asset.defined.v1'
        ? definedReply(event.data)
        : definitionRefusedReply(event.data.reason, write.requestId, traceIdOf(event) ?? undefined);
    return [[write, reply]];
  });
}

/** The unit that the event defines, if it does. */
export function unitOf(event: AssetEvent): UnitView[] {
  if (event.type !== 'payflow.asset.defined.v1') return [];
  const { tenant, livemode, data } = event;
  const { id: code, scale, name, created_at: createdAt } = data;
  return [{ tenant, livemode, code, scale, name, createdAt }];
}
