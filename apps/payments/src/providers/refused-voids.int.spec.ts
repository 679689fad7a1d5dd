import { newUuid, uuidOf } from '@payflow/contracts';
import type { Messaging } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import type { TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wishes } from '../testing/attempts.js';
import { attemptsStage } from '../testing/attempts-stage.js';
import { deskWith, unknownThere, unsent } from '../testing/scripted-provider.js';
import type { NewAttempt } from './attempt.js';

configureLogging({ level: 'silent' });

let db: TestDatabase;
let messaging: Messaging;
let wishes: Wishes;
beforeAll(async () => {
  ({ db, messaging, wishes } = await attemptsStage());
});
afterAll(() => db.drop());

const house = () => deskWith(db, messaging);
const outcomes = async (attempt: NewAttempt) => (await wishes.answers(attempt)).map(({ outcome }) => outcome);

describe('the end of an authorization that its provider refuses', () => {
  const SEVEN_DAYS_MS = 604_800_000;
  const lastOf = async (attempt: NewAttempt) =>
    (await wishes.attempts(attempt)).filter(({ id }) => id === uuidOf('attempt', attempt.id));

  /** A void of what has been over for so long, the first of which was asked for so long ago. */
  async function voiding(over_ms: number, refused_ms: number): Promise<NewAttempt> {
    const facts = { action: 'void', amount: null, connector: 'one', request: { reference: 'auth_9' } } as const;
    const first = await wishes.ask({ ...facts, operation: newUuid() }, { left_ms: -over_ms });
    await db.tamper(
      `update attempts set status = 'declined', created_at = now() - interval '${refused_ms} milliseconds' where id = '${uuidOf('attempt', first.id)}'`,
    );
    return wishes.ask({ ...facts, operation: newUuid(), payment: first.payment });
  }

  it.each([
    ['it is not over for seven days', SEVEN_DAYS_MS - 60_000, SEVEN_DAYS_MS],
    ['it was not refused for seven days', SEVEN_DAYS_MS, SEVEN_DAYS_MS - 60_000],
  ])('comes to nothing while %s, so that it is asked for again', async (_what, over_ms, refused_ms) => {
    const { first, ask } = house();
    first.answers = [unknownThere];
    const attempt = await voiding(over_ms, refused_ms);
    await ask(attempt);
    expect(await lastOf(attempt)).toMatchObject([{ status: 'declined', needs_attention: false }]);
    expect(await outcomes(attempt)).toEqual(['declined']);
  });

  it.each([
    ['approved', { outcome: 'approved', reference: 'auth_9' }],
    ['declined', { outcome: 'declined', code: 'authorization_ended' }],
  ] as const)('is for a human after that, who says that it is %s', async (outcome, word) => {
    const { first, ask, inquire, resolve } = house();
    first.answers = [unknownThere];
    first.inquiryAnswers = [unknownThere];
    const attempt = await voiding(SEVEN_DAYS_MS, SEVEN_DAYS_MS);
    await ask(attempt);
    const waiting = { status: 'unknown', code: 'reference_unknown', needs_attention: true };
    expect(await lastOf(attempt)).toMatchObject([waiting]);
    // As before anything else is asked of the payment.
    await inquire(attempt);
    expect(await lastOf(attempt)).toMatchObject([waiting]);
    expect([await outcomes(attempt), (await wishes.jobs(attempt)).map(({ job }) => job)]).toEqual([
      [],
      ['provider.ask'],
    ]);
    await resolve(attempt, word);
    expect(await lastOf(attempt)).toMatchObject([{ status: outcome, needs_attention: false }]);
    expect(await outcomes(attempt)).toEqual([outcome]);
  });

  describe.each([
    ['cannot be reached', 'connection_refused', () => house()],
    ['has no keys any more', 'provider_not_reached', () => deskWith(db, messaging, 'two')],
  ] as const)('or that %s', (_what, code, open) => {
    it('comes to nothing while it has not been so for seven days', async () => {
      const { first, ask } = open();
      first.answers = [unsent];
      const attempt = await voiding(SEVEN_DAYS_MS, SEVEN_DAYS_MS - 60_000);
      await ask(attempt);
      expect(await lastOf(attempt)).toMatchObject([{ status: 'not_sent', code, needs_attention: false }]);
      expect(await outcomes(attempt)).toEqual(['not_sent']);
    });

    it('is for a human after that, and asked for once more where they say that it is not done', async () => {
      const { first, ask, resolve } = open();
      first.answers = [unsent];
      const attempt = await voiding(SEVEN_DAYS_MS, SEVEN_DAYS_MS);
      await ask(attempt);
      expect(await lastOf(attempt)).toMatchObject([{ status: 'unknown', code, needs_attention: true }]);
      expect(await outcomes(attempt)).toEqual([]);
      await resolve(attempt, { outcome: 'declined', code: 'authorization_ended' });
      expect(await lastOf(attempt)).toMatchObject([{ status: 'declined', needs_attention: false }]);
      expect(await outcomes(attempt)).toEqual(['declined']);
    });
  });
});
