import { fromUuid, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import type { Messaging } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import type { TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wishes } from '../testing/attempts.js';
import { attemptsStage } from '../testing/attempts-stage.js';
import { act, deskWith, neverHeard, silence, yes } from '../testing/scripted-provider.js';
import type { NewAttempt } from './attempt.js';

configureLogging({ level: 'silent' });

let db: TestDatabase;
let messaging: Messaging;
let wishes: Wishes;
beforeAll(async () => {
  ({ db, messaging, wishes } = await attemptsStage());
});
afterAll(() => db.drop());

const house = (...names: string[]) => deskWith(db, messaging, ...names);
const outcomes = async (attempt: NewAttempt) => (await wishes.answers(attempt)).map(({ outcome }) => outcome);

/** The attempt that was made for the next connector. */
async function secondOf(attempt: NewAttempt): Promise<NewAttempt> {
  const [row] = await wishes.database.rows<{ id: string }>(SECOND, [attempt.operation]);
  return { ...attempt, id: fromUuid('attempt', row?.id as string) };
}
const SECOND = statement('spec.second-attempt', 'select id from attempts where operation_id = $1 and number = 2');

describe('what it is too late to send', () => {
  const runOut = ({ payment }: NewAttempt) =>
    db.tamper(`update payments set expires_at = now() where id = '${uuidOf('payment', payment)}'`);

  it('is asked about and not sent, and what gives money back is sent all the same', async () => {
    const { first, ask, inquire } = house();
    const late = await wishes.ask();
    await runOut(late);
    const refund = await wishes.ask({ action: 'refund', connector: 'one' }, { left_ms: -1 });
    await ask(late);
    await ask(refund);
    expect(first.asked.map(({ action }) => action)).toEqual(['refund']);
    expect(await outcomes(refund)).toEqual(['approved']);
    // It may have been sent before it was written down: by a database that was set back since.
    expect([await wishes.attempts(late), await outcomes(late)]).toMatchObject([[{ status: 'unknown' }], []]);
    first.inquiryAnswers = [neverHeard];
    await inquire(late);
    expect(await wishes.answers(late)).toMatchObject([{ outcome: 'not_sent', code: 'payment_expired' }]);
  });

  it('is asked about at one connector of its route after the other, until one knows it', async () => {
    const { first, second, ask, inquire } = house('one', 'two');
    const late = await wishes.ask();
    await runOut(late);
    await ask(late);
    first.inquiryAnswers = [neverHeard];
    await inquire(late);
    const next = await secondOf(late);
    await ask(next);
    second.inquiryAnswers = [yes];
    await inquire(next);
    expect([first.asked, second.asked, first.inquiries, second.inquiries]).toEqual([[], [], 1, 1]);
    expect(await wishes.answers(late)).toMatchObject([{ attempt: late.id, outcome: 'approved', connector: 'two' }]);
  });

  it('is asked about no more where its provider has said before that it never heard of it', async () => {
    const { first, ask, inquire } = house();
    first.answers = [silence];
    first.inquiryAnswers = [neverHeard];
    const attempt = await wishes.ask();
    await ask(attempt);
    await inquire(attempt);
    await runOut(attempt);
    await ask(attempt);
    expect([first.asked.length, first.inquiries]).toEqual([1, 1]);
    expect(await wishes.answers(attempt)).toMatchObject([{ outcome: 'not_sent', code: 'payment_expired' }]);
  });

  it('waits for the keys to its provider where they are gone', async () => {
    const { ask, inquire } = house('one');
    const late = await wishes.ask({ connector: 'gone', action: 'capture' }, { left_ms: -1 });
    await ask(late);
    await inquire(late);
    expect(await wishes.attempts(late)).toMatchObject([{ status: 'unknown', connector: 'gone' }]);
    expect(await outcomes(late)).toEqual([]);
    expect((await wishes.jobs(late)).map(({ job }) => job)).toContain('provider.inquire');
  });

  describe('of a payment whose time was over when it was asked for: it is done again, of a database that was set back, and', () => {
    const again = async () => {
      const house_ = house();
      const attempt = await wishes.ask({}, { left_ms: -1 });
      await house_.ask(attempt);
      expect(house_.first.asked).toEqual([]);
      expect(await wishes.attempts(attempt)).toMatchObject([
        { status: 'unknown', connector: 'one', isExplained: true },
      ]);
      expect((await wishes.jobs(attempt)).map(({ job }) => job)).toContain('provider.inquire');
      return { ...house_, attempt };
    };

    it('counts as its provider says that it ended', async () => {
      const { first, inquire, attempt } = await again();
      first.inquiryAnswers = [yes];
      await inquire(attempt);
      expect(await wishes.answers(attempt)).toMatchObject([
        { outcome: 'approved', connector: 'one', provider_reference: 'auth_1' },
      ]);
    });

    it('is asked about at once where its provider says again that the customer has to act, and they have', async () => {
      const { first, ask, inquire } = house();
      first.answers = [act, act];
      const [acted, waiting] = [await wishes.ask(), await wishes.ask()];
      await wishes.hears(acted, 'attempt_approved');
      await ask(acted);
      await ask(waiting);
      const due = async (attempt: NewAttempt) =>
        (await wishes.jobs(attempt)).filter(({ job }) => job === 'provider.inquire').map(({ due_s }) => due_s <= 1);
      expect([await due(acted), await due(waiting)]).toEqual([[true], []]);
      first.inquiryAnswers = [yes];
      await inquire(acted);
      expect(await outcomes(acted)).toEqual(['requires_action', 'approved']);
    });

    it('is not sent where its provider has never heard of it', async () => {
      const { first, inquire, attempt } = await again();
      first.inquiryAnswers = [neverHeard];
      await inquire(attempt);
      expect(first.asked).toEqual([]);
      expect(await wishes.answers(attempt)).toMatchObject([{ outcome: 'not_sent', code: 'payment_expired' }]);
    });
  });
});
