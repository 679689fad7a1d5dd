import { newId } from '@payflow/contracts';
import type { CardHouse } from '../house/card-house.js';
import { addApiKey } from '../house/merchant.js';
import type { ExamplePlayer } from './example-player.js';
import { hasAny } from './example-script.js';

const SECOND = { limit: '2' };
const PASSWORD = 'correct horse battery';
type Json = Readonly<Record<string, unknown>>;

const userOf = (role: string, more: object = {}) => ({
  email: `jane.${newId('user').slice(-6)}@example.com`,
  ...{ name: 'Jane Doe', role, ...more },
});

/** Posts with a key, or without one, and takes nothing but what was asked for. */
function asking(base: string, key?: string) {
  return async (path: string, body: object): Promise<Json> => {
    const keyed = key === undefined ? {} : { authorization: `Bearer ${key}`, 'idempotency-key': newId('event') };
    const headers = { 'content-type': 'application/json', ...keyed };
    const answer = await fetch(`${base}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await answer.text();
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status} ${text}`);
    return JSON.parse(text) as Json;
  };
}

/** Who may come in: what is shown of users and keys. `scopes` are all there are. What makes them answers with a secret, and is not recorded. */
export async function playAccess(
  player: ExamplePlayer,
  { house, merchant }: CardHouse,
  scopes: readonly string[],
): Promise<void> {
  await player.play('getMe');
  const { id } = await addApiKey(house.databases, merchant.tenant, ['payments:read']);
  await player.play('getApiKey', { path: { id } });
  const change = { name: 'Point of sale', allowed_addresses: ['192.0.2.0/24'] };
  await player.play('updateApiKey', { path: { id }, body: change });
  const { key } = await addApiKey(house.databases, merchant.tenant, scopes, true);
  const made = await asking(house.api, key)('/users', userOf('viewer'));
  await player.play('getUser', { path: { id: made['id'] as string } });
  await player.play('listUsers', { query: SECOND }, hasAny);
}

/** The clock of test mode: last, for it moves what all others are told. */
export async function playClock(player: ExamplePlayer): Promise<void> {
  await player.play('advanceTestClock', { body: { advance_seconds: 60 } });
  await player.play('getTestClock');
}

/** What answers with a secret, by operation: asked to be compared with what the document shows, and never written anywhere. */
export async function askForSecrets(
  { house, merchant }: CardHouse,
  scopes: readonly string[],
): Promise<ReadonlyMap<string, Json>> {
  const { key } = await addApiKey(house.databases, merchant.tenant, scopes, true);
  const [asked, open] = [asking(house.api, key), asking(house.api)];
  const till = { name: 'Till', scopes: ['payments:read'], allowed_addresses: ['192.0.2.0/24'] };
  const [createApiKey, known, createUser] = [
    await asked('/keys', till),
    userOf('viewer', { password: PASSWORD }),
    await asked('/users', userOf('viewer')),
  ];
  await asked('/users', known);
  const rotateApiKey = await asked(`/keys/${String(createApiKey['id'])}/rotate`, {});
  const inviteUser = await asked(`/users/${String(createUser['id'])}/invitation`, {});
  const logIn = await open('/auth/login', { email: known.email, password: PASSWORD });
  const refreshSession = await open('/auth/refresh', { refresh_token: logIn['refresh_token'] });
  const acceptInvitation = await open('/auth/invitation', {
    ...{ invitation_token: inviteUser['invitation_token'], password: PASSWORD },
  });
  const secrets = { createApiKey, rotateApiKey, createUser, inviteUser, logIn, refreshSession, acceptInvitation };
  return new Map(Object.entries(secrets));
}
