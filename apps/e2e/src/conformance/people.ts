import { randomUUID } from 'node:crypto';
import { newId } from '@payflow/contracts';
import type { Played } from './example-player.js';

/** What only people can ask for, and what of theirs must not be taken from them. */
export interface People {
  /** Access tokens, by the operation that they are for. */
  readonly tokens: ReadonlyMap<string, string>;
  /** Requests that are good once at least, by operation. */
  readonly played: ReadonlyMap<string, Played>;
  /** Ids of users and of sessions. */
  readonly ids: readonly string[];
}

const PASSWORD = 'correct horse battery';
type Json = Readonly<Record<string, string>>;

/** One user for each operation that wants one, so that none of them spoils it for another. `liveKey` makes them. */
export async function people(base: string, liveKey: string): Promise<People> {
  const post = async (path: string, body: object, headers: Record<string, string> = {}): Promise<Json> => {
    const answer = await fetch(`${base}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status} ${text}`);
    return JSON.parse(text) as Json;
  };
  const ids: string[] = [];
  const user = async (more: object = { password: PASSWORD }): Promise<Json> => {
    const body = { email: `${randomUUID()}@example.com`, role: 'viewer', ...more };
    const made = await post('/users', body, { authorization: `Bearer ${liveKey}`, 'idempotency-key': newId('event') });
    ids.push(made['id'] as string);
    return made;
  };
  const loggedIn = async (): Promise<Json> => {
    const tokens = await post('/auth/login', { email: (await user())['email'], password: PASSWORD });
    ids.push(tokens['session'] as string);
    return tokens;
  };
  const tokens = new Map<string, string>();
  for (const id of ['logOut', 'changePassword']) tokens.set(id, (await loggedIn())['access_token'] as string);
  const request = (asked: Played['request']): Played => ({ request: asked, answers: {} });
  const played = new Map<string, Played>([
    ['logIn', request({ body: { email: (await user())['email'], password: PASSWORD } })],
    ['refreshSession', request({ body: { refresh_token: (await loggedIn())['refresh_token'] } })],
    [
      'acceptInvitation',
      request({ body: { invitation_token: (await user({}))['invitation_token'], password: PASSWORD } }),
    ],
    ['changePassword', request({ body: { current_password: PASSWORD, password: `${PASSWORD} staple` } })],
    ['revokeSession', request({ path: { id: (await loggedIn())['session'] as string } })],
  ]);
  return { tokens, played, ids };
}
