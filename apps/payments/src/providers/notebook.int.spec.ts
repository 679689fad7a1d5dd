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
const sent = { move: { status: 'sending', connector: 'one' }, result: 'noted' } as const;

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
      // No such status: the table refuses it.
      notes.note(first, () => ({ result: 'noted', move: { status: 'nowhere' as 'sending' } })),
      notes.note(second, () => sent),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect([await statusOf(first), await statusOf(second)]).toEqual(['created', 'sending']);
  });

  it('about no attempt say so', async () => {
    const attempt = await wishes.wish();
    expect(await notebook().note(attempt, (found) => ({ result: found }))).toBeUndefined();
  });
});
