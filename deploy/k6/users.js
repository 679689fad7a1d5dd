// Users who look at accounts and pay: twenty, then fifty, then a hundred at once.
//
//   k6 run -e EMAIL=… -e PASSWORD=… -e BASE_URL=https://… deploy/k6/users.js
//   k6 run -e API_KEY=sk_test_… deploy/k6/users.js
//
// With the password of a user, of which each then has a session of its own; or with a key, and then log-ins are not measured. All
// log in to the one account, so that the gateway must allow it so many tries: with RATE_LIMIT_LOGIN_PER_MINUTE of at least 300 (in
// production it is 20), or with a key. The key or the user needs to open accounts and pay: the script makes what it pays between.
// `npm run bench -- users` does the same without k6.
import { check, fail, sleep } from 'k6';
import http from 'k6/http';
import { Counter } from 'k6/metrics';

/* global __ENV, console */
const BASE = __ENV.BASE_URL || 'http://127.0.0.1:3000';
const { API_KEY, EMAIL, PASSWORD } = __ENV;
const ACCOUNTS = 50;
const FUNDS = '1000000000';
/** Sessions are used for some time before somebody logs in again. */
const VISITS_PER_LOGIN = 50;
/** `1m` holds each stage for a minute. */
const HOLD = __ENV.HOLD || '1m';
const RAMP = '5s';

const stagesOf = (users) => [
  { duration: RAMP, target: users },
  { duration: HOLD, target: users },
];

export const options = {
  scenarios: {
    users: {
      executor: 'ramping-vus',
      startVUs: 0,
      stages: [...stagesOf(20), ...stagesOf(50), ...stagesOf(100), { duration: RAMP, target: 0 }],
    },
  },
  thresholds: {
    'http_req_duration{kind:health}': ['p(95)<50'],
    // A threshold that nothing is held against would pass.
    ...(API_KEY ? {} : { 'http_req_duration{kind:login}': ['p(95)<200'] }),
    'http_req_duration{kind:accounts}': ['p(95)<100'],
    'http_req_duration{kind:transactions}': ['p(95)<150'],
    'http_req_duration{kind:payments}': ['p(95)<300'],
    'http_req_duration{scenario:users}': ['p(95)<150', 'p(99)<300'],
    'http_req_failed{scenario:users}': ['rate<0.001'],
    asked: ['rate>=200'],
    checks: ['rate==1'],
  },
};

const asked = new Counter('asked');

/** Accounts to pay between. */
export function setup() {
  if (API_KEY) console.warn('with a key nobody logs in: how long that takes is not measured');
  const credential = API_KEY || login();
  const world = open(credential, { asset: 'USD', overdraft: 'unbounded' });
  const accounts = [];
  for (let at = 0; at < ACCOUNTS; at++) accounts.push(open(credential, { asset: 'USD' }));
  for (const destination of accounts) pay(credential, world, destination, FUNDS);
  return { accounts };
}

const session = { credential: API_KEY, visits: 0 };

export default function ({ accounts }) {
  // A login that fails ends the visit, which is then not counted: the next one logs in again.
  if (!API_KEY && session.visits % VISITS_PER_LOGIN === 0) session.credential = login();
  session.visits++;
  const { credential } = session;
  const one = Math.floor(Math.random() * accounts.length);
  const other = (one + 1 + Math.floor(Math.random() * (accounts.length - 1))) % accounts.length;
  expect(200, get('health', '/health'));
  think();
  expect(200, get('accounts', `/api/v1/accounts/${accounts[one]}`, credential));
  think();
  expect(200, get('transactions', `/api/v1/transactions?account=${accounts[one]}&limit=20`, credential));
  think();
  const amount = String(1 + Math.floor(Math.random() * 1000));
  expect([201, 202], pay(credential, accounts[one], accounts[other], amount));
  think();
}

function login() {
  const body = JSON.stringify({ email: EMAIL, password: PASSWORD, livemode: false });
  const answer = http.post(`${BASE}/api/v1/auth/login`, body, params('login'));
  asked.add(1);
  if (answer.status !== 200) fail(`login answered ${answer.status}`);
  return answer.json('access_token');
}

function open(credential, terms) {
  const headers = { Prefer: 'wait=10' };
  const answer = http.post(`${BASE}/api/v1/accounts`, JSON.stringify(terms), params('setup', credential, headers));
  if (answer.status !== 201) fail(`opening an account answered ${answer.status} ${answer.body}`);
  return answer.json('id');
}

function pay(credential, source, destination, amount) {
  const body = JSON.stringify({ source, destination, amount, asset: 'USD', method: { type: 'internal' } });
  asked.add(1);
  return http.post(`${BASE}/api/v1/payments`, body, params('payments', credential));
}

function get(kind, path, credential) {
  asked.add(1);
  return http.get(BASE + path, params(kind, credential));
}

function params(kind, credential, more = {}) {
  const headers = {
    'Content-Type': 'application/json',
    // Not the time in digits: thirteen of them may be a card number, and are refused as one.
    'Idempotency-Key': `k6-${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`,
    ...(credential ? { Authorization: `Bearer ${credential}` } : {}),
    ...more,
  };
  // One name for all paths of a kind: ids would make a series of each.
  return { headers, tags: { kind, name: kind } };
}

function expect(status, answer) {
  const statuses = [].concat(status);
  check(answer, { [`${statuses.join(' or ')}`]: ({ status: given }) => statuses.includes(given) });
}

function think() {
  sleep(0.15 + Math.random() * 0.15);
}
