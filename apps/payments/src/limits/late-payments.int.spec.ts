import { expect, it } from 'vitest';
import { LimitedPayments } from '../testing/limited-payments.js';

it('a velocity counts a late payment among those around it, and a batch that is spread over a day as it would be alone', async () => {
  const house = await LimitedPayments.open();
  await house.send(house.limit({ kind: 'velocity', amount: null, asset: null, count: 2, minutes: 10 }));
  const noon_ms = Date.parse('2026-11-29T12:00:00.000Z');
  const at = (minutes: number) => house.create({ created_at: new Date(noon_ms + minutes * 60_000).toISOString() });
  expect(refusedOf(await house.send(...[600, 601, 300, 308].map(at)))).toEqual([]);
  // Long before them, between two that are close, and where a span of ten minutes has one of them alone.
  const late = [at(0), at(304), at(292), at(317), at(595), at(610.5)];
  expect(refusedOf(await house.send(...late))).toEqual([late[1]?.data.id, late[4]?.data.id]);
  expect(await house.broken()).toEqual([]);
  await house.close();
});

function refusedOf(sent: readonly { readonly type: string; readonly subject: string }[]): string[] {
  return sent.filter(({ type }) => type === 'payflow.payment.failed.v1').map(({ subject }) => subject);
}
