import { expect, it } from 'vitest';
import { signInternalToken, verifyInternalToken } from './internal-token.js';

const SECRET = 's'.repeat(32);
const NOW = 1_763_700_000_000;
const claims = { tenant: 'org_1', livemode: false, actor: 'key_1', scopes: ['monitoring:read'] };
const token = signInternalToken(SECRET, claims, NOW);

it('gives back the claims for 60 seconds', () => {
  expect(verifyInternalToken(SECRET, token, NOW)).toEqual(claims);
  expect(verifyInternalToken(SECRET, token, NOW + 59_000)).toEqual(claims);
  expect(verifyInternalToken(SECRET, token, NOW + 61_000)).toBeUndefined();
});

const [header, payload, mac] = token.split('.') as [string, string, string];
const forged = Buffer.from(JSON.stringify({ ...claims, tenant: 'org_2', iss: 'payflow/gateway', exp: 9e9 })).toString(
  'base64url',
);
const unsigned = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
it.each([
  ['of another secret', signInternalToken('x'.repeat(32), claims, NOW)],
  ['with other claims', `${header}.${forged}.${mac}`],
  ['without a signature', `${header}.${payload}.`],
  ['that names no algorithm', `${unsigned}.${payload}.`],
  ['that is cut', `${header}.${payload}`],
  ['with a part too many', `${token}.x`],
  ['that is empty', ''],
])('refuses a token %s', (_what, given) => expect(verifyInternalToken(SECRET, given, NOW)).toBeUndefined());
