import { newId } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { addFailures, pruneFailures } from '../database/login-failure.repository.js';
import { insertOrganisation } from '../database/organisation.repository.js';
import { openSession, pruneSessions } from '../database/session.repository.js';
import { insertUser } from '../database/user.repository.js';
import { newToken } from './tokens.js';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase('gateway', migrations, 2);
});
afterAll(() => test?.drop());

const LEFT = statement(
  'spec.left',
  `select (select count(*) from sessions)::integer as sessions, (select count(*) from session_tokens)::integer as tokens,
     (select count(*) from login_failures)::integer as failures`,
);

it('tokens go a day after their end, sessions ninety, failures two; what is younger stays', async () => {
  const { database: db } = test;
  const organisation = await db.transaction((tx) => insertOrganisation(tx, 'spec'));
  const user = { organisation, id: newId('user') };
  const terms = { email: 'a@example.com', name: 'a', role: 'viewer', passwordHash: null } as const;
  await db.transaction((tx) => insertUser(tx, { ...user, ...terms }));
  const open = () =>
    db.transaction((tx) =>
      openSession(
        tx,
        user,
        { livemode: false, address: '127.0.0.1', userAgent: '' },
        {
          ...{ access: newToken('at').hash, access_s: 60, refresh: newToken('rt').hash, refresh_s: 60 },
        },
      ),
    );
  const fail = (of: string) => db.transaction((tx) => addFailures(tx, [{ hash: of.repeat(64), tolerated: 5 }], 900));
  await open();
  await fail('a');
  await test.tamper(`update session_tokens set expires_at = now() - interval '25 hours';
    update sessions set expires_at = now() - interval '89 days';
    update login_failures set last_failed_at = now() - interval '49 hours'`);
  await open();
  await fail('b');
  const prune = async () => {
    await pruneSessions(db, 90, 100);
    await pruneFailures(db, 100);
    return (await db.rows(LEFT))[0];
  };
  expect(await prune()).toEqual({ sessions: 2, tokens: 2, failures: 1 });
  await test.tamper(`update sessions set expires_at = now() - interval '91 days'`);
  // The younger one is not old enough by its tokens.
  expect(await prune()).toEqual({ sessions: 1, tokens: 2, failures: 1 });
});
