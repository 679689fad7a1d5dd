import { newId } from '@payflow/contracts';
import { onStatement, statement } from '@payflow/database';
import { statementsOf, until } from '@payflow/testing';
import { Client as Postgres } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addUser, logIn, PASSWORD } from '../../testing/people.js';
import { Client } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

/** Who waits for another's locks. */
const WAITING = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
/** Four failures, and another that makes them too many. */
const FOUR_ARE_FIVE = `update login_failures set failures = 5, blocked_until = clock_timestamp() + interval '1 minute'
  where failures = 4`;

let stage: Stage;
let client: Client;
let base: string;
let admin: Postgres;

beforeAll(async () => {
  stage = await openStage();
  ({ client } = stage);
  ({ base } = client);
  admin = new Postgres({ connectionString: stage.adminUrl });
  await admin.connect();
});
afterAll(async () => {
  await admin?.end();
  await stage?.close();
});

const failFourTimes = async (email: string): Promise<void> => {
  for (let at = 0; at < 4; at++) expect(told(await logIn(base, email, 'wrong'))).toBe('401 credentials_invalid');
};
/** How often whoever failed last has. */
const lastFailures = async (): Promise<unknown> =>
  (
    await stage.db.rows(
      statement('spec.last-failures', 'select failures from login_failures order by last_failed_at desc limit 1'),
    )
  )[0];
/** A login inside this process: what it is answered with, and the statements that it takes. */
const guess = async (email: string, password: string) => {
  let answer = '';
  const statements = await statementsOf(async () => {
    const payload = { email, password };
    const { statusCode, body, headers } = await stage.gateway.app.inject({
      ...{ method: 'POST', url: '/api/v1/auth/login', payload },
    });
    const { code } = JSON.parse(body) as { code: string };
    answer = `${statusCode} ${code} ${String(headers['retry-after'])}`;
  });
  return { answer, statements };
};

describe('whoever fails to log in', () => {
  it('has to wait after five times, even with the right password, and longer each time; nobody else has to', async () => {
    const { email } = await addUser(stage.db, client.tenant, 'viewer');
    const other = await addUser(stage.db, client.tenant, 'viewer');
    for (let at = 0; at < 5; at++) expect(told(await logIn(base, email, 'wrong'))).toBe('401 credentials_invalid');
    const blocked = await logIn(base, email);
    expect([told(blocked), Number(blocked.headers.get('retry-after')) >= 1]).toEqual(['429 login_blocked', true]);
    expect((await logIn(base, other.email)).status).toBe(200);
    await stage.db.count(
      statement('spec.fail-often', `update login_failures set failures = 14, blocked_until = now() where failures = 5`),
    );
    expect(told(await logIn(base, email, 'wrong'))).toBe('401 credentials_invalid');
    const later = await logIn(base, email);
    expect(Number(later.headers.get('retry-after'))).toBeGreaterThan(600);
    expect(Number(later.headers.get('retry-after'))).toBeLessThanOrEqual(900);
  });

  it('is forgotten by a login that is right', async () => {
    const { email } = await addUser(stage.db, client.tenant, 'viewer');
    for (let round = 0; round < 3; round++) {
      for (let at = 0; at < 4; at++) expect(told(await logIn(base, email, 'wrong'))).toBe('401 credentials_invalid');
      expect((await logIn(base, email)).status).toBe(200);
    }
  });

  describe('where two organisations have a user of the address', () => {
    let other: string;
    let email: string;
    const wrongIn = (organisation: string | undefined) => logIn(base, email, 'wrong', { organisation });
    beforeEach(async () => {
      other = (await Client.of(stage.db, base)).tenant;
      ({ email } = await addUser(stage.db, client.tenant, 'viewer'));
      await addUser(stage.db, other, 'viewer', email);
    });

    it('is counted in the one that is named: five for one block that one, and a login to the other forgives none', async () => {
      for (let at = 0; at < 4; at++) expect(told(await wrongIn(client.tenant))).toBe('401 credentials_invalid');
      expect((await logIn(base, email, PASSWORD, { organisation: other })).status).toBe(200);
      expect(told(await wrongIn(client.tenant))).toBe('401 credentials_invalid');
      expect(told(await logIn(base, email, PASSWORD, { organisation: client.tenant }))).toBe('429 login_blocked');
      expect((await logIn(base, email, PASSWORD, { organisation: other })).status).toBe(200);
    });

    it('is not forgiven by a login that names none: who disables one of the two could have it be either', async () => {
      for (let at = 0; at < 4; at++) expect(told(await wrongIn(undefined))).toBe('401 credentials_invalid');
      expect((await logIn(base, email)).status).toBe(200);
      expect(told(await wrongIn(undefined))).toBe('401 credentials_invalid');
      expect(told(await logIn(base, email))).toBe('429 login_blocked');
    });

    it('is not told by the lock-out where the address has a user: each name is blocked by what was tried under it', async () => {
      const nobody = newId('tenant');
      for (const organisation of [nobody, client.tenant, undefined]) {
        for (let at = 0; at < 5; at++) expect(told(await wrongIn(organisation))).toBe('401 credentials_invalid');
        expect(told(await wrongIn(organisation))).toBe('429 login_blocked');
      }
    });
  });

  it('gains nothing by guessing many times at once', async () => {
    const { email } = await addUser(stage.db, client.tenant, 'viewer');
    const guesses = Array.from({ length: 30 }, (_, at) => logIn(base, email, `guess number ${at}`));
    const outcomes = new Set((await Promise.all(guesses)).map(told));
    // Or it had to wait for its turn for too long: two are looked at at once.
    const refusals = ['401 credentials_invalid', '429 login_blocked', '503 unavailable', '503 database_busy'];
    for (const outcome of outcomes) expect(refusals).toContain(outcome);
    expect(told(await logIn(base, email))).toBe('429 login_blocked');
  });

  it('is not told which of many guesses at once was the password: none that was let in too late differs from another', async () => {
    const { email } = await addUser(stage.db, client.tenant, 'viewer');
    await failFourTimes(email);
    // No user can be found for a while: all three are let in, and looked at later.
    await admin.query('begin; lock table users in access exclusive mode');
    let letIn = 0;
    const stop = onStatement(({ name }) => (letIn += name === 'login-failures.blocked' ? 1 : 0));
    const guesses = Promise.all(['wrong', PASSWORD, 'wrong again'].map((password) => guess(email, password)));
    await until('all are let in', () => letIn === 3);
    stop();
    await admin.query(`${FOUR_ARE_FIVE}; commit`);
    const [wrong, right, wrongAgain] = await guesses;
    expect(wrong?.answer).toBe('401 credentials_invalid undefined');
    expect(right).toEqual(wrong);
    expect(wrongAgain).toEqual(wrong);
    expect(await lastFailures()).toEqual({ failures: 8 });
  });

  it('is told that he was wrong, and counted so, where others have failed too often while his session was opened', async () => {
    const { email } = await addUser(stage.db, client.tenant, 'viewer');
    await failFourTimes(email);
    await admin.query(`begin; ${FOUR_ARE_FIVE}`);
    const guesses = Promise.all([logIn(base, email), logIn(base, email, 'wrong')]);
    await until('both wait', async () => (await admin.query(WAITING)).rowCount === 2);
    await admin.query('commit');
    expect((await guesses).map(told)).toEqual(['401 credentials_invalid', '401 credentials_invalid']);
    expect(await lastFailures()).toEqual({ failures: 7 });
    expect(told(await logIn(base, email))).toBe('429 login_blocked');
  });

  it('is treated alike whether the address is anybody’s or not', async () => {
    for (let at = 0; at < 5; at++) await logIn(base, 'ghost@example.com', 'wrong');
    expect(told(await logIn(base, 'ghost@example.com', 'wrong'))).toBe('429 login_blocked');
  });

  it('leaves neither address nor password in the table', async () => {
    await logIn(base, 'hunter2-in-the-wrong-field', 'hunter2');
    const rows = await stage.db.rows<{ text: string }>(
      statement('spec.failures', `select f::text as text from login_failures f`),
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { text } of rows) expect(text).not.toMatch(/hunter2|example/);
  });
});
