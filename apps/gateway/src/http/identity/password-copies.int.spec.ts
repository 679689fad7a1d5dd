import { randomUUID } from 'node:crypto';
import { statement } from '@payflow/database';
import { until } from '@payflow/testing';
import { Client as Postgres } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PASSWORD, userOf } from '../../testing/people.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

/** Who waits for another's locks. */
const WAITING = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
const FAILURES = statement('spec.login-failures', 'select failures from login_failures');
const NO_READS_OF_USERS = 'begin; lock table users in access exclusive mode';
const NO_KEYS_TAKEN = 'begin; lock table idempotency_records in share mode';

let stage: Stage;
let [first, second, looking]: Postgres[] = [];
beforeAll(async () => {
  stage = await openStage();
  const connected = async (): Promise<Postgres> => {
    const client = new Postgres({ connectionString: stage.adminUrl });
    await client.connect();
    return client;
  };
  [first, second, looking] = [await connected(), await connected(), await connected()];
});
afterAll(async () => {
  for (const client of [first, second, looking]) await client?.end();
  await stage?.close();
});

const waiting = (many: number) => async () => (await looking?.query(WAITING))?.rowCount === many;

it('a copy of a change of the password that reads the user once that is done is answered as it was, and is no failure', async () => {
  const { client: user, id } = await userOf(stage.db, stage.client, 'viewer');
  expect((await user.get('/api/v1/auth/me')).status).toBe(200);
  const key = { 'idempotency-key': randomUUID() };
  const change = () =>
    user.post('/api/v1/auth/password', { current_password: PASSWORD, password: 'another horse battery' }, key);
  // The one has looked at the password, and is about to take its key; it goes on to where it locks the user.
  await first?.query(NO_KEYS_TAKEN);
  const one = change();
  await until('it is about to take its key', waiting(1));
  await second?.query(NO_READS_OF_USERS);
  await first?.query('commit');
  await until(
    'it is about to lock the user',
    async () => (await looking?.query(`${WAITING} and query ~ 'users'`))?.rowCount,
  );
  // The other finds no key yet, and reads the user when the one has committed.
  const next = first?.query(NO_READS_OF_USERS);
  await until('who lets the other wait stands behind it', waiting(2));
  const other = change();
  await until('the other is about to read the user', waiting(3));
  await second?.query('commit');
  await next;
  await first?.query('commit');
  const answers = await Promise.all([one, other]);
  expect(answers.map((answer) => [told(answer), answer.headers.get('idempotency-replayed')])).toEqual([
    ['204', null],
    ['204', 'true'],
  ]);
  expect(await stage.db.rows(FAILURES)).toEqual([]);
  const { body } = await stage.client.get(`/api/v1/audit_log?resource=${id}`);
  expect((body['data'] as { after: object }[]).map(({ after }) => after)).toEqual([{ sessions_ended: 0 }]);
});
