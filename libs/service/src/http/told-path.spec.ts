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
  [`/api/v1/keys/sk_test_${'q7-_'.repeat(8)}`, '/api/v1/keys/sk_test_{secret}'],
  [`/api/v1/keys/sk_live_${'q7'.repeat(16)}?a=b`, '/api/v1/keys/sk_live_{secret}'],
  [`/sessions/at_${'q7'.repeat(21)}x/end`, '/sessions/at_{secret}/end'],
  [`/refresh/rt_${'q7'.repeat(21)}x`, '/refresh/rt_{secret}'],
  [`/invitations/inv_${'q7'.repeat(21)}x`, '/invitations/inv_{secret}'],
  ['/hooks/whsec_cGF5Zmxvdy1k/ZXZlbG9w', '/hooks/whsec_{secret}'],
  [`/keys/sk%5Ftest%5F${'q7'.repeat(16)}/rotate`, '/keys/{secret}/rotate'],
  [`/keys/%20sk_test_${'q7'.repeat(16)}`, '/keys/{secret}'],
  [`/keys/caf%C3%A9%2Fsk_test_${'q7'.repeat(16)}`, '/keys/{secret}'],
])('%s is told as %s', (url, told) => {
  expect(toldPath(url)).toBe(told);
});
