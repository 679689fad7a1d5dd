import { newId } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { insertUser } from '../database/user.repository.js';
import type { Role } from '../domain/role.js';
import { Passwords } from '../identity/passwords.js';
import { Client, type Answered } from './gateway-under-test.js';

export const PASSWORD = 'correct horse battery';
const passwords = new Passwords();
let hash: Promise<string> | undefined;

/** A user of the role who can log in with {@link PASSWORD}. Returns the e-mail address and the id. */
export async function addUser(
  db: Database,
  organisation: string,
  role: Role,
  address?: string,
): Promise<{ readonly email: string; readonly id: string }> {
  const id = newId('user');
  const email = address ?? `${id}@example.com`;
  const passwordHash = await (hash ??= passwords.hash(PASSWORD, ''));
  await db.transaction((tx) => insertUser(tx, { organisation, id, email, name: role, role, passwordHash }));
  return { email, id };
}

/** Posts without any credential, and without an Idempotency-Key. */
export async function postOpen(base: string, path: string, body: unknown): Promise<Answered> {
  const answer = await fetch(`${base}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, body: JSON.parse(text) as Record<string, unknown> };
}

/** A login, as it is answered. */
export function logIn(base: string, email: string, password = PASSWORD, more: object = {}): Promise<Answered> {
  return postOpen(base, '/api/v1/auth/login', { email, password, ...more });
}

/** A user of the role, logged in: what he asks for comes with his access token. */
export async function userOf(
  db: Database,
  { tenant, base }: Client,
  role: Role,
  livemode = false,
): Promise<{ readonly client: Client; readonly id: string; readonly email: string; readonly refreshToken: string }> {
  const { email, id } = await addUser(db, tenant, role);
  const { body } = await logIn(base, email, PASSWORD, { livemode });
  const client = Client.with(tenant, body['access_token'] as string, base);
  return { client, id, email, refreshToken: body['refresh_token'] as string };
}
