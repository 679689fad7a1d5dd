import { expect, it } from 'vitest';
import { toldPath } from './told-path.js';

it.each([
  [
    '/api/v1/payments/pay_01m8cahmmjeyz94qsx4696mmy6/capture',
    '/api/v1/payments/pay_01m8cahmmjeyz94qsx4696mmy6/capture',
  ],
  ['/api/v1/periods/2026-11/close', '/api/v1/periods/2026-11/close'],
  ['/api/v1/payments?reference=4242424242424242', '/api/v1/payments'],
  ['/api/v1/payments/4242424242424242', '/api/v1/payments/{number}'],
  ['/api/v1/payments/x4242-4242-4242-4242', '/api/v1/payments/x{number}'],
  ['/api/v1/payments/4242%204242%204242%204242', '/api/v1/payments/{number}'],
  ['/api/v1/payments/4242.4242.4242.4242', '/api/v1/payments/{number}'],
  [
    `/api/v1/payments/${encodeURIComponent('４２４２４２４２４２４２４２４２')}/capture`,
    '/api/v1/payments/{number}/capture',
  ],
  [`/api/v1/payments/${encodeURIComponent('٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢')}`, '/api/v1/payments/{number}'],
  [`/api/v1/payments/4242${'%E2%80%8B'}4242${'%E2%80%8B'}4242${'%C2%A0'}4242`, '/api/v1/payments/{number}'],
  ['/api/v1/accounts/caf%C3%A9-12', '/api/v1/accounts/caf%C3%A9-12'],
  ['/api/v1/accounts/%ff%fe', '/api/v1/accounts/%ff%fe'],
  ['/api/v1/payments/4242_424242%2f42424%2B2', '/api/v1/payments/{number}'],
])('%s is told as %s', (url, told) => {
  expect(toldPath(url)).toBe(told);
});
