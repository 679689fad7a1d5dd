import { TENANT_ASSETS_MAX, type AssetDefine, type MessageData, type Refusal } from '@payflow/contracts';
import type { Book, Owner } from '../book.js';
import { defineUnit } from '../unit.js';

type Defined = { type: 'payflow.asset.defined.v1'; data: MessageData['payflow.asset.defined.v1'] };
type Rejected = { type: 'payflow.asset.rejected.v1'; data: MessageData['payflow.asset.rejected.v1'] };

export function acceptUnit(book: Book, owner: Owner, data: AssetDefine): Defined | Rejected {
  const { id: code, scale, name, created_at: createdAt } = data;
  const known = book.unit(owner, code);
  const limits = { units_max: TENANT_ASSETS_MAX };
  const decision = defineUnit({ code, scale, name, createdAt }, known, book.unitCount(owner), limits);
  if (decision.kind === 'refused') return refuseUnit(code, decision.reason, book.now);
  const { unit } = decision;
  if (!known) book.define(owner, unit);
  return {
    type: 'payflow.asset.defined.v1',
    data: { id: code, scale: unit.scale, name: unit.name, created_at: unit.createdAt },
  };
}

export function refuseUnit(code: string, reason: Refusal, now: string): Rejected {
  return { type: 'payflow.asset.rejected.v1', data: { id: code, reason, recorded_at: now } };
}
