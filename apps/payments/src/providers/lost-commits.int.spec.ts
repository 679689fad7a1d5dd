import type { Database } from '@payflow/database';
import type { Messaging } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import { openSpecPool, TcpProxy, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wishes } from '../testing/attempts.js';
import { attemptsStage } from '../testing/attempts-stage.js';
import { deskWith, full, gone, neverHeard, silence, unsent, yes } from '../testing/scripted-provider.js';
import type { NewAttempt } from './attempt.js';

configureLogging({ level: 'silent' });

let db: TestDatabase;
let messaging: Messaging;
let wishes: Wishes;
let proxy: TcpProxy;
/** The way to the database that answers get lost on. */
let far: Database;
beforeAll(async () => {
  ({ db, messaging, wishes } = await attemptsStage());
  proxy = new TcpProxy(new URL(db.url));
  await proxy.open();
  far = await openSpecPool(proxy.url);
});
afterAll(async () => {
  await far.close();
  await proxy.close();
  await db.drop();
});

const ways = async (attempt: NewAttempt) => (await wishes.log(attempt)).map(({ way, reason }) => `${way}: ${reason}`);
const stands = async (attempt: NewAttempt) => (await wishes.attempts(attempt)).map(({ status }) => status);
const outcomes = async (attempt: NewAttempt) => (await wishes.answers(attempt)).map(({ outcome }) => outcome);
const jobs = async (attempt: NewAttempt) => (await wishes.jobs(attempt)).map(({ job }) => job);

/** The next COMMIT is carried out, and nobody hears of it; `isLast`: nor of anything else, until the proxy is opened again. */
function loseCommit(isLast: boolean): void {
  Object.assign(proxy, { cutAfter: 'commit', cutAt: 'COMMIT', isLast });
}

/** A hand whose putting back is not answered. */
function hand(answer: typeof full, isLast: boolean) {
  const house = deskWith({ ...db, database: far }, messaging, 'one');
  house.first.answers = [answer];
  house.first.beforeAnswer = async () => loseCommit(isLast);
  return house;
}

/** A sound hand that has sent, and hears the answer when it is let go. */
async function sent(attempt: NewAttempt, answer: typeof yes | typeof full) {
  const other = deskWith(db, messaging, 'one');
  const letGo = Promise.withResolvers<void>();
  const out = Promise.withResolvers<void>();
  other.first.answers = [answer];
  other.first.beforeAnswer = () => {
    out.resolve();
    return letGo.promise;
  };
  const asked = other.ask(attempt);
  await out.promise;
  return {
    answered: () => {
      letGo.resolve();
      return asked;
    },
  };
}

describe('an attempt that was put back, by a COMMIT that was not answered', () => {
  it.each([
    ['there was no room', full],
    ['the process was ending', gone],
  ])('waits for its turn where %s, and nobody is told that it was not sent', async (_what, answer) => {
    const { first, ask } = hand(answer, false);
    const attempt = await wishes.ask();
    const cuts = proxy.cuts;
    await ask(attempt);
    expect(proxy.cuts).toBe(cuts + 1);
    expect([await stands(attempt), await outcomes(attempt), await jobs(attempt)]).toEqual([
      ['created'],
      [],
      ['provider.ask'],
    ]);
    first.beforeAnswer = async () => undefined;
    await ask(attempt);
    expect(await outcomes(attempt)).toEqual(['approved']);
  });

  it('is left to whoever sends it by now', async () => {
    const { ask } = hand(full, true);
    const attempt = await wishes.ask();
    const putBack = ask(attempt);
    await until('it is put back, and nobody has heard of it', () => !proxy.isOpen);
    const other = await sent(attempt, yes);
    await proxy.open();
    await putBack;
    expect([await stands(attempt), await outcomes(attempt)]).toEqual([['sending'], []]);
    await other.answered();
    expect([await stands(attempt), await outcomes(attempt)]).toEqual([['approved'], ['approved']]);
    expect(await ways(attempt)).toEqual([
      'created sending: asked',
      'sending created: queue_full',
      'created sending: asked',
      'sending approved: answer_approved',
    ]);
  });

  it('is put back once more by whoever had no room for it either', async () => {
    const { ask } = hand(full, true);
    const attempt = await wishes.ask();
    const putBack = ask(attempt);
    await until('it is put back, and nobody has heard of it', () => !proxy.isOpen);
    const other = await sent(attempt, full);
    await proxy.open();
    await putBack;
    await other.answered();
    expect([await stands(attempt), await jobs(attempt)]).toEqual([['created'], ['provider.ask']]);
  });
});

describe('a word on an earlier sending', () => {
  it('that it did not leave, is kept and moves nothing of what another has sent since', async () => {
    const late = deskWith(db, messaging, 'one');
    const attempt = await wishes.ask({ action: 'refund', connector: 'one' });
    let other: Awaited<ReturnType<typeof sent>> | undefined;
    late.first.answers = [unsent];
    late.first.beforeAnswer = async () => {
      // As it stands when it was put back by its own hand, whose COMMIT was not answered.
      await db.tamper(
        `update attempts set status = 'created', version = version + 1 where operation_id = '${attempt.operation}'`,
      );
      other = await sent(attempt, yes);
    };
    await late.ask(attempt);
    expect([await stands(attempt), await outcomes(attempt)]).toEqual([['sending'], []]);
    expect(await wishes.evidence(attempt)).toEqual([{ source: 'answer', outcome: 'not_sent', believed: false }]);
    await other?.answered();
    expect(await outcomes(attempt)).toEqual(['approved']);
  });

  it('that it did not leave, is believed of one that was asked about meanwhile and not sent again', async () => {
    const { first, ask, inquire } = deskWith(db, messaging, 'one');
    const attempt = await wishes.ask({ action: 'refund', connector: 'one' });
    first.answers = [unsent];
    first.inquiryAnswers = [neverHeard];
    first.beforeAnswer = () => inquire(attempt);
    await ask(attempt);
    expect([await stands(attempt), await outcomes(attempt)]).toEqual([['not_sent'], ['not_sent']]);
  });

  it('that its provider never heard of it, has it asked about again, and not sent', async () => {
    const { first, ask, inquire } = deskWith(db, messaging, 'one');
    const attempt = await wishes.ask();
    first.answers = [silence, silence];
    await ask(attempt);
    first.inquiryAnswers = [neverHeard, neverHeard];
    first.beforeInquiryAnswer = async () => {
      first.beforeInquiryAnswer = async () => undefined;
      await inquire(attempt);
      await ask(attempt);
    };
    await inquire(attempt);
    expect([await stands(attempt), first.asked.length]).toEqual([['unknown'], 2]);
    expect(await jobs(attempt)).toContain('provider.inquire');
  });
});
