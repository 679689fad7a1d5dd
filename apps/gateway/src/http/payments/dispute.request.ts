import { EVIDENCE_LENGTH_MAX, EVIDENCE_PARTS_MAX, newId, type DisputeEvidence } from '@payflow/contracts';
import type { EvidenceWrite } from '../../acceptance/acceptable.js';
import type { DisputeView } from '../../domain/dispute.js';
import type { Caller } from '../edge/caller.js';
import { refuseCardNumberIn } from '../edge/card-numbers.js';
import { conditionOf } from '../writes/condition.js';
import { Problem } from '@payflow/service';
import { bodyReader } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';

/** `POST /api/v1/disputes/:id/evidence` */
export const EVIDENCE_REQUEST_SCHEMA = {
  type: 'object',
  minProperties: 1,
  maxProperties: EVIDENCE_PARTS_MAX,
  propertyNames: { type: 'string', pattern: '^[a-z][a-z0-9_]{0,63}$' },
  additionalProperties: { type: 'string', minLength: 1, maxLength: EVIDENCE_LENGTH_MAX },
} as const;

const readEvidence = bodyReader<DisputeEvidence>(EVIDENCE_REQUEST_SCHEMA);

/** The dispute that evidence is for, and the version of it that was seen; null: any. */
export interface AskedDispute {
  readonly dispute: DisputeView;
  readonly ifVersion: number | null;
}

/** Checks a body and makes the command of it that gives the evidence to the provider. Throws 400. */
export function evidenceWrite(
  { dispute, ifVersion }: AskedDispute,
  json: JsonObject,
  caller: Caller,
  now: Date,
): EvidenceWrite {
  const evidence = readEvidence(json);
  // Every name is the client's own here: none of them makes a sum of a number.
  for (const [part, text] of Object.entries(evidence)) refuseCardNumberIn(text, `/${part}`);
  const commandId = newId('event');
  const created_at = now.toISOString();
  return {
    kind: 'change',
    type: 'payflow.dispute.submit_evidence.v1',
    command: { id: dispute.payment, dispute: dispute.id, evidence, created_at, ...conditionOf(ifVersion) },
    commandId,
    view: { tenant: caller.tenant, livemode: caller.livemode, id: commandId, createdAt: created_at },
    objection: ifVersion === null || ifVersion === dispute.version ? undefined : new Problem('version_differs'),
  };
}
