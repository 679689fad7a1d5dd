import { PROBLEMS, type ProblemCode } from '@payflow/contracts';
import { PROBLEM_CONTENT_TYPE, problemBody } from '@payflow/service';
import { disputeResource, type DisputeView } from '../domain/dispute.js';
import type { Reply } from './acceptable.js';
import { refusalDetail } from './refusal-detail.js';

export const DISPUTES_PATH = '/api/v1/disputes';

/** 200 with the dispute as the provider's having the evidence left it. */
export function evidenceReply(view: DisputeView): Reply {
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(disputeResource(view)),
  };
}

/** Reasons that are problems of the same name; all others are the provider's. */
const OWN: Readonly<Record<string, ProblemCode>> = {
  evidence_not_accepted: 'evidence_not_accepted',
  dispute_not_found: 'not_found',
  version_differs: 'version_differs',
};

/** Why the evidence did not reach the provider, or was not taken by it. */
export function evidenceRefusedReply(
  { dispute, reason }: { readonly dispute: string; readonly reason: string },
  requestId: string,
  traceId: string | undefined,
): Reply {
  const code = OWN[reason] ?? 'evidence_refused';
  const occurrence = { instance: `${DISPUTES_PATH}/${dispute}/evidence`, requestId, traceId };
  return {
    status: PROBLEMS[code].status,
    headers: { 'content-type': PROBLEM_CONTENT_TYPE },
    body: JSON.stringify(problemBody(code, { detail: refusalDetail(reason) }, occurrence)),
  };
}
