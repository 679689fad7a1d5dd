import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { defineJob, enqueue, listJobs, newJob } from '@payflow/jobs';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { MIGRATIONS } from '../installation.js';
import { attemptsCommands } from './attempts.js';
import { jobsCommands } from './jobs.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('payments', MIGRATIONS.payments, 2);
  process.env['PAYMENTS_DATABASE_URL'] = db.url;
});
afterAll(async () => {
  delete process.env['PAYMENTS_DATABASE_URL'];
  await db.drop();
});
afterEach(() => vi.restoreAllMocks());

/** What the command prints. */
async function run(command: 'jobs' | 'attempts', ...words: readonly string[]): Promise<string> {
  let printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  const commands = command === 'jobs' ? jobsCommands() : attemptsCommands();
  await commands.parseAsync([...words], { from: 'user' });
  return printed;
}

const work = defineJob<{ n: number }>({
  name: 'spec.work',
  schema: { type: 'object' },
  priority: 0,
  attempts_max: 2,
  timeLimit_ms: 1_000,
});
const BY = ['--actor', 'ada', '--reason', 'mended'];

describe('payflow jobs', () => {
  it('lists, shows, drives again and discards what is dead', async () => {
    expect(await run('jobs', 'list')).toBe('there are no such jobs\n');
    await db.database.transaction((tx) =>
      enqueue(
        tx,
        [1, 2].map((n) => newJob(work, { data: { n } })),
      ),
    );
    const [first, second] = (await listJobs(db.database, { limit: 2 })).map(({ id }) => id) as [string, string];
    await expect(run('jobs', 'redrive', first, ...BY)).rejects.toThrow('none of these jobs is dead');
    await db.tamper(`update graphile_worker._private_jobs set attempts = max_attempts, last_error = 'Error: gone'`);
    expect(await run('jobs', 'list', '--state', 'dead')).toMatch(/spec\.work +dead .* 2\/2 .*Error: gone/);
    expect(JSON.parse(await run('jobs', 'show', first))).toMatchObject({ state: 'dead', data: { n: 1 } });
    expect(await run('jobs', 'redrive', first, ...BY)).toBe('redrive: 1 of 1\n');
    expect(await run('jobs', 'discard', `${first},${second}`, ...BY)).toBe('discard: 1 of 2\n');
    await expect(run('jobs', 'show', second)).rejects.toThrow('there is no such job');
    expect((await listJobs(db.database, { limit: 2 })).map(({ id, state }) => [id, state])).toEqual([[first, 'ready']]);
  });
});

const JOB = statement(
  'spec.resolve-job',
  `select payload -> 'data' as data from graphile_worker._private_jobs where key = $1`,
);

describe('payflow attempts', () => {
  it('lists what only a human can find out, and hands their word to the worker', async () => {
    const [tenant, payment, attempt] = [newId('tenant'), newId('payment'), newId('attempt')];
    expect(await run('attempts', 'attention')).toBe('no attempt needs attention\n');
    await db.tamper(
      `insert into attempts (tenant_id, livemode, id, payment_id, operation_id, action, status, amount_minor, asset, request, connector, needs_attention)
       values ('${uuidOf('tenant', tenant)}', true, '${uuidOf('attempt', attempt)}', '${uuidOf('payment', payment)}',
         '${uuidOf('payment', payment)}', 'sale', 'unknown', 1999, 'USD', '{}', 'cards', true)`,
    );
    expect(await run('attempts', 'attention')).toContain(`${attempt}  ${payment}  sale    1999 USD  unknown  cards`);
    await expect(run('attempts', 'resolve', attempt, 'approved', ...BY)).rejects.toThrow('--reference is needed');
    await expect(run('attempts', 'resolve', newId('attempt'), 'declined', ...BY)).rejects.toThrow('no such attempt');
    await run('attempts', 'resolve', attempt, 'approved', '--reference', 'auth_7', ...BY);
    expect(await db.database.rows(JOB, [`resolve/${uuidOf('attempt', attempt)}`])).toEqual([
      {
        data: {
          tenant,
          livemode: true,
          attempt,
          outcome: 'approved',
          code: null,
          reference: 'auth_7',
          actor: 'ada',
          reason: 'mended',
        },
      },
    ]);
    await db.tamper(`update attempts set status = 'approved', needs_attention = false`);
    await expect(run('attempts', 'resolve', attempt, 'declined', ...BY)).rejects.toThrow('it has ended');
  });
});
