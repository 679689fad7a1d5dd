import { fromUuid, newId, uuidOf, type ReviewState } from '@payflow/contracts';
import { until } from '@payflow/testing';
import type { Stage } from './stage.js';

export const LIMIT = { kind: 'per_day', asset: 'USD', amount: '100000' } as const;
export const RULE = { priority: 10, verdict: 'review', reason: 'looks_odd' } as const;

/** Payments of the client's tenant that wait for a human, as their reviews' ids. */
export async function openReviews({ house, client }: Stage, count: number): Promise<string[]> {
  const opened = Array.from({ length: count }, newReview);
  for (const review of opened) {
    house.policies.reviews.set(review.id, review);
    await house.publish('payflow.review.opened.v1', review, {
      tenant: client.tenant,
      livemode: false,
      traceparent: undefined,
    });
  }
  const ids = opened.map(({ id }) => id);
  await until('the reviews are shown', async () =>
    (await Promise.all(ids.map((id) => client.get(`/api/v1/reviews/${id}`)))).every(isThere),
  );
  return ids;
}

function isThere({ status }: { readonly status: number }): boolean {
  return status === 200;
}

function newReview(): ReviewState {
  const payment = newId('payment');
  const now = Date.now();
  return {
    id: fromUuid('review', uuidOf('payment', payment)),
    payment,
    status: 'open',
    rule: newId('riskRule'),
    reason: 'looks_odd',
    amount: '1999',
    asset: 'USD',
    source: newId('account'),
    destination: newId('account'),
    method: { type: 'internal' },
    customer: null,
    opened_at: new Date(now).toISOString(),
    expires_at: new Date(now + 86_400_000).toISOString(),
    decided_at: null,
    decided_by: null,
    decision_reason: null,
    version: 1,
  };
}
