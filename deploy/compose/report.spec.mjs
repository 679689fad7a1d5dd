import { describe, expect, it } from 'vitest';

import { report } from './report.mjs';

const inside = 'http://gateway:3000';
const names = ['gateway', 'payments', 'ledger', 'archiver', 'monitoring'];
const services = Object.fromEntries(names.map((name, index) => [name, `http://127.0.0.1:${4000 + index}`]));
const demo = {
  payment: { id: 'pay_1', status: 'succeeded', amount: '1999', asset: 'USD' },
  elapsedMs: 42,
  traceId: 'abc',
  apiKey: 'sk_test_1',
  curl: `curl -s ${inside}/api/v1/payments \\\n  -H 'Content-Type: application/json' \\\n  -d '{"amount":"1999"}'`,
  login: {
    email: 'owner@demo.example',
    curl: `curl -s ${inside}/api/v1/auth/login \\\n  -H 'Content-Type: application/json' \\\n  -d '{"email":"owner@demo.example"}'`,
  },
};
const lines = (facts = {}) =>
  report({
    demo,
    trace: null,
    inside,
    services,
    sandbox: 'http://127.0.0.1:4010',
    jaeger: 'http://127.0.0.1:4686',
    ...facts,
  }).split('\n');

describe('what compose shows of the first payment', () => {
  it('has each command on one line, to the address outside', () => {
    expect(lines()).toContain(
      `    curl -s http://127.0.0.1:4000/api/v1/payments -H 'Content-Type: application/json' -d '{"amount":"1999"}'`,
    );
    expect(lines()).toContain(
      `    curl -s http://127.0.0.1:4000/api/v1/auth/login -H 'Content-Type: application/json' -d '{"email":"owner@demo.example"}'`,
    );
    expect(lines().filter((line) => line.includes(inside))).toEqual([]);
  });

  it('has the address of every service, of the acquirer, of the trace and of the documentation', () => {
    const text = lines().join('\n');
    for (const url of Object.values(services)) expect(text).toContain(`${url}/health`);
    expect(text).toContain('http://127.0.0.1:4000/docs');
    expect(text).toContain('http://127.0.0.1:4010');
    expect(text).toContain('http://127.0.0.1:4686/trace/abc');
  });

  it('says why a payment was refused', () => {
    const payment = { ...demo.payment, status: 'failed', failure: { code: 'limit_exceeded', reason: 'per_day' } };
    expect(lines({ demo: { ...demo, payment } })[1]).toContain('pay_1  failed (limit_exceeded) in 42 ms');
    expect(lines()[1]).toContain('pay_1  succeeded in 42 ms');
  });

  it('tells nobody to log in where no owner is known', () => {
    expect(lines({ demo: { ...demo, login: undefined } }).join('\n')).not.toContain('Log in');
  });
});
