import { statement } from '@payflow/database';
import type { Messaging } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import { statementsOf, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wishes } from '../testing/attempts.js';
import { attemptsStage } from '../testing/attempts-stage.js';
import type { NewAttempt } from './attempt.js';
import { Notebook } from './notebook.js';

configureLogging({ level: 'silent' });

const MANY = 60;
const VERSION = statement(
  'spec.attempt-version',
  'select version::integer as version from attempts where payment_id = typeid_uuid($1)',
);

let db: TestDatabase;
let wishes: Wishes;
let messaging: Messaging;
beforeAll(async () => {
  ({ db, messaging, wishes } = await attemptsStage());
});
afterAll(() => db.drop());

const notebook = () => new Notebook(db.database, messaging.outbox);
const statusOf = async (attempt: NewAttempt) => (await wishes.attempts(attempt))[0]?.status;
const many = () => Promise.all(Array.from({ length: MANY }, () => wishes.ask()));
const sent = { move: { status: 'sending', reason: 'asked', connector: 'one' }, result: 'noted' } as const;

describe('notes of the same moment', () => {
  it('share one transaction of two statements, however many they are', async () => {
    const attempts = await many();
    const notes = notebook();
    const names = await statementsOf(() => Promise.all(attempts.map((attempt) => notes.note(attempt, () => sent))));
    expect(names).toEqual(['attempts.lock', 'attempts.move']);
    expect(new Set(await Promise.all(attempts.map(statusOf)))).toEqual(new Set(['sending']));
  });

  it('on one attempt are decided one after another', async () => {
    const attempt = await wishes.ask();
    const notes = notebook();
    const seen: string[] = [];
    const look = () =>
      notes.note(attempt, (found) => {
        seen.push(found?.status ?? 'none');
        return { result: undefined, ...(found?.status === 'created' ? { move: sent.move } : {}) };
      });
    await Promise.all([look(), look(), look()]);
    expect(seen).toEqual(['created', 'sending', 'sending']);
    expect(await db.database.rows(VERSION, [attempt.payment])).toEqual([{ version: 1 }]);
  });

  it('stand by themselves: what one decision throws, the others do not hear', async () => {
    const [first, second] = [await wishes.ask(), await wishes.ask()];
    const notes = notebook();
    const results = await Promise.allSettled([
      notes.note(first, () => Promise.reject(new Error('no'))),
      notes.note(second, () => sent),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect([await statusOf(first), await statusOf(second)]).toEqual(['created', 'sending']);
  });

  it('are written one by one where they cannot be written together: only what is wrong is not', async () => {
    const [first, second] = [await wishes.ask(), await wishes.ask()];
    const notes = notebook();
    const results = await Promise.allSettled([
      // No text that PostgreSQL keeps.
      notes.note(first, () => ({ result: 'noted', move: { ...sent.move, code: '\0' } })),
      notes.note(second, () => sent),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect([await statusOf(first), await statusOf(second)]).toEqual(['created', 'sending']);
  });

  it('move nothing where there is no way, and leave the others theirs', async () => {
    const [first, second] = [await wishes.ask(), await wishes.ask()];
    const notes = notebook();
    const move = { status: 'approved', reason: 'asked', connector: 'one' } as const;
    await notes.note(first, () => ({ result: 'noted', move }));
    const results = await Promise.allSettled([notes.note(first, () => sent), notes.note(second, () => sent)]);
    expect(results).toMatchObject([
      {
        status: 'rejected',
        reason: { message: expect.stringMatching(/cannot go from approved to sending$/) as string },
      },
      { status: 'fulfilled' },
    ]);
    expect([await statusOf(first), await statusOf(second)]).toEqual(['approved', 'sending']);
  });

  it('are logged with the move: from where, to where, who, why and in which trace', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const attempt = await wishes.ask({ traceparent });
    const notes = notebook();
    await notes.note(attempt, () => sent);
    const move = { status: 'unknown', reason: 'answer_lost', actor: 'operator:ann' } as const;
    await notes.note(attempt, () => ({ result: 'noted', move }));
    const trace = 'a'.repeat(32);
    expect(await wishes.log(attempt)).toEqual([
      { version: 1, way: 'created sending', actor: 'payments/providers', reason: 'asked', trace },
      { version: 2, way: 'sending unknown', actor: 'operator:ann', reason: 'answer_lost', trace },
    ]);
  });

  it('about no attempt say so', async () => {
    const attempt = await wishes.wish();
    expect(await notebook().note(attempt, (found) => ({ result: found }))).toBeUndefined();
  });
});
