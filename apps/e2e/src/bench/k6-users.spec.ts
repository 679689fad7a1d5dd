import { beforeAll, expect, it, vi } from 'vitest';

/** What each login in turn is answered with; 200 from then on. */
const statuses = [429, 429];
const logins: number[] = [];
const carried: (string | undefined)[] = [];

vi.mock('k6', () => ({
  check: () => undefined,
  fail: (reason: string) => {
    throw new Error(reason);
  },
  sleep: () => undefined,
}));
vi.mock('k6/metrics', () => ({
  Counter: class Counter {
    readonly add = () => undefined;
  },
}));
vi.mock('k6/http', () => {
  const asked = (path: string, { headers }: { readonly headers: Record<string, string> }) => {
    if (!path.endsWith('/auth/login')) carried.push(headers['Authorization']);
    else logins.push(statuses.shift() ?? 200);
    return { status: logins.at(-1), json: () => 'token' };
  };
  return {
    default: {
      get: asked,
      post: (path: string, _body: string, params: { readonly headers: Record<string, string> }) => asked(path, params),
    },
  };
});

let visit: (of: { readonly accounts: readonly string[] }) => void;
beforeAll(async () => {
  vi.stubGlobal('__ENV', { EMAIL: 'a@example.com', PASSWORD: 'secret' });
  const script = '../../../../deploy/k6/users.js';
  visit = ((await import(script)) as { readonly default: typeof visit }).default;
});

it('whose login fails logs in again at the next visit, and does nothing without a session', () => {
  for (let at = 0; at < 2; at++) expect(() => visit({ accounts: ['a', 'b'] })).toThrow('login answered 429');
  expect(carried).toEqual([]);
  visit({ accounts: ['a', 'b'] });
  visit({ accounts: ['a', 'b'] });
  expect(logins).toEqual([429, 429, 200]);
  expect(new Set(carried)).toEqual(new Set([undefined, 'Bearer token']));
});
