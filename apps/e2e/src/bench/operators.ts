import { randomUUID } from 'node:crypto';
import { newId } from '@payflow/contracts';
import { ApiClient } from '../house/api-client.js';
import type { House } from '../house/house.js';
import { addApiKey, type Merchant } from '../house/merchant.js';

/** What an operator may do, and so whoever makes one: nobody gives what he does not have. */
const KINDS = ['accounts', 'payments', 'transfers', 'holds', 'reviews', 'users'];
const PASSWORD = 'correct horse battery';

/** What somebody logs in with. */
export interface Operator {
  readonly email: string;
  readonly password: string;
}

/** So many people who work for the merchant, made through the API. Each costs a hash that is slow on purpose. */
export async function hireOperators(house: House, { tenant }: Merchant, count: number): Promise<Operator[]> {
  const scopes = KINDS.flatMap((kind) => [`${kind}:read`, `${kind}:write`]);
  const { key } = await addApiKey(house.databases, tenant, scopes, true);
  const api = new ApiClient(house.api, key);
  const hire = async (): Promise<Operator> => {
    const operator = { email: `${randomUUID()}@example.com`, password: PASSWORD };
    const answer = await api.call('/api/v1/users', {
      body: JSON.stringify({ ...operator, role: 'operator' }),
      idempotencyKey: newId('event'),
    });
    if (answer.kind === 'unknown' || answer.status !== 201)
      throw new Error(`a user was not made: ${answer.kind === 'unknown' ? answer.why : answer.body.toString()}`);
    return operator;
  };
  const hired: Operator[] = [];
  while (hired.length < count) hired.push(await hire());
  api.close();
  return hired;
}
