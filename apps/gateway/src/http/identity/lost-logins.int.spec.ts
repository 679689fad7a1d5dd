import { TcpProxy, testServers } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Client, startGateway } from '../../testing/gateway-under-test.js';
import { PASSWORD, postOpen, userOf } from '../../testing/people.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const AUTH = '/api/v1/auth';
/** What is sent in one packet with the COMMIT of what ends a session. */
const LAST = 'audit-log.add';
const OUT = ['401 unauthenticated', '401 unauthenticated'];

let stage: Stage;
let postgres: TcpProxy;
/** The stage's gateway is another process, whose way to the database is sound. */
let far: Awaited<ReturnType<typeof startGateway>>;

beforeAll(async () => {
  stage = await openStage();
  postgres = new TcpProxy(new URL(stage.databaseUrl));
  await postgres.open();
  far = await startGateway({ ...stage, databaseUrl: postgres.url, redisUrl: testServers().redis });
});
afterAll(async () => {
  await far?.stop();
  await postgres?.close();
  await stage?.close();
});

let cuts: number;
beforeEach(() => (cuts = postgres.cuts));
const loseCommit = () => Object.assign(postgres, { cutAfter: LAST, cutAt: 'COMMIT' });
const lost = () => postgres.cuts - cuts;

/** What both processes say to who comes with the token. */
const asked = (token: string) =>
  Promise.all([stage.gateway, far].map(async ({ base }) => told(await Client.with('', token, base).get(`${AUTH}/me`))));

it('a session whose refresh token came twice lets nobody in, although the COMMIT that ended it was lost', async () => {
  const { refreshToken } = await userOf(stage.db, stage.client, 'viewer');
  const renewed = await postOpen(stage.gateway.base, `${AUTH}/refresh`, { refresh_token: refreshToken });
  const token = renewed.body['access_token'] as string;
  expect(await asked(token)).toEqual(['200', '200']);
  loseCommit();
  const again = await postOpen(far.base, `${AUTH}/refresh`, { refresh_token: refreshToken });
  expect([lost(), told(again)]).toEqual([1, '401 refresh_token_reused']);
  expect(await asked(token)).toEqual(OUT);
});

it('who took up an invitation has a session, and those before it have ended, although the COMMIT was lost', async () => {
  const user = await userOf(stage.db, stage.client, 'viewer');
  const before = (await postOpen(stage.gateway.base, `${AUTH}/login`, { email: user.email, password: PASSWORD })).body;
  expect(await asked(before['access_token'] as string)).toEqual(['200', '200']);
  const owner = await userOf(stage.db, stage.client, 'owner', true);
  const invited = await owner.client.post(`/api/v1/users/${user.id}/invitation`, {});
  expect(told(invited)).toBe('201');
  const invitation = { invitation_token: invited.body['invitation_token'], password: 'another horse battery' };
  loseCommit();
  const taken = await postOpen(far.base, `${AUTH}/invitation`, invitation);
  expect([lost(), told(taken)]).toEqual([1, '200']);
  expect(await asked(taken.body['access_token'] as string)).toEqual(['200', '200']);
  expect(await asked(before['access_token'] as string)).toEqual(OUT);
  expect(told(await postOpen(far.base, `${AUTH}/invitation`, invitation))).toBe('401 invitation_invalid');
});
