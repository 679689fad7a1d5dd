import { newUuid, uuidOf } from '@payflow/contracts';
import type { Messaging } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import type { TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wishes } from '../testing/attempts.js';
import { attemptsStage } from '../testing/attempts-stage.js';
import { deskWith, neverHeard, silence } from '../testing/scripted-provider.js';

configureLogging({ level: 'silent' });

const HOUR_MS = 3_600_000;

let db: TestDatabase;
let messaging: Messaging;
let wishes: Wishes;
beforeAll(async () => {
  ({ db, messaging, wishes } = await attemptsStage());
});
afterAll(() => db.drop());

/** A refund whose answer was lost so long ago, at a provider that knows keys for a day. */
async function unknownRefund(ago: string) {
  const { first, ask, inquire } = deskWith(db, messaging);
  first.capabilities = { ...first.capabilities, keysKept_ms: 24 * HOUR_MS };
  first.answers = [silence];
  first.inquiryAnswers = [neverHeard];
  const attempt = await wishes.ask({ action: 'refund', operation: newUuid(), connector: 'one' });
  await ask(attempt);
  await db.tamper(
    `update attempts set sent_at = sent_at - interval '${ago}' where payment_id = '${uuidOf('payment', attempt.payment)}'`,
  );
  await wishes.age(attempt, ago);
  await inquire(attempt);
  return { first, ask, attempt };
}

describe('what a provider has never heard of', () => {
  it('is sent again while it would know the key', async () => {
    const { first, ask, attempt } = await unknownRefund('23 hours');
    await ask(attempt);
    expect(first.asked).toHaveLength(2);
    expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'approved' }]);
  });

  it('may be what it has forgotten: it stays unknown, and is not done a second time', async () => {
    const { first, ask, attempt } = await unknownRefund('24 hours');
    await ask(attempt);
    expect(first.asked).toHaveLength(1);
    expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'unknown', needs_attention: false }]);
    expect((await wishes.jobs(attempt)).map(({ job }) => job)).toContain('provider.inquire');
    expect(await wishes.answers(attempt)).toEqual([]);
  });

  it('is for a human after seven days', async () => {
    const { attempt } = await unknownRefund('7 days');
    expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'unknown', needs_attention: true }]);
  });
});
