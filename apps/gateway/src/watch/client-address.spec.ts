import { describe, expect, it } from 'vitest';
import { clientAddress, type ProxyHeader } from './client-address.js';
import { Networks } from './networks.js';

const PROXIES = ['10.0.0.0/8', '2001:db8:ffff::/48'];

const addressOf = (peer: string, headers: Record<string, string | string[]>, header: ProxyHeader = 'x-forwarded-for') =>
  clientAddress(peer, headers, { proxies: new Networks(PROXIES), header });

describe('the address of a client', () => {
  it.each<[string, string | string[], string]>([
    ['10.0.0.1', '192.0.2.1', '192.0.2.1'],
    ['10.0.0.1', '192.0.2.1, 10.0.0.2', '192.0.2.1'],
    ['10.0.0.1', '198.51.100.66, 192.0.2.1', '192.0.2.1'],
    ['10.0.0.1', ['198.51.100.66', '192.0.2.1'], '192.0.2.1'],
    ['10.0.0.1', '192.0.2.1:4711', '192.0.2.1'],
    ['10.0.0.1', '[2001:DB8::1]:4711', '2001:db8::1'],
    ['::ffff:10.0.0.1', '::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:ffff::1', '2001:db8::2', '2001:db8::2'],
  ])('behind the proxy %s with %s is %s', (peer, given, address) => {
    expect(addressOf(peer, { 'x-forwarded-for': given })).toBe(address);
  });

  it('is that of the connection where it is no proxy of ours, whatever it says', () => {
    expect(addressOf('192.0.2.66', { 'x-forwarded-for': '198.51.100.1' })).toBe('192.0.2.66');
    expect(addressOf('::ffff:192.0.2.66', { forwarded: 'for=198.51.100.1' }, 'forwarded')).toBe('192.0.2.66');
    expect(addressOf('fe80::66%eth0', { 'x-forwarded-for': '198.51.100.1' })).toBe('fe80::66');
  });

  it.each([['unknown'], ['192.0.2.1, nonsense'], ['192.0.2.1, '], ['']])(
    'is the proxy itself where it says %j',
    (given) => {
      expect(addressOf('10.0.0.1', { 'x-forwarded-for': given })).toBe('10.0.0.1');
    },
  );

  it('is the first that is known where all are proxies', () => {
    expect(addressOf('10.0.0.1', { 'x-forwarded-for': '10.0.0.3, 10.0.0.2' })).toBe('10.0.0.3');
  });

  it.each([
    ['for=192.0.2.1', '192.0.2.1'],
    ['for="[2001:db8::1]:80";proto=https', '2001:db8::1'],
    ['proto=http; For="192.0.2.1:80", for=10.0.0.2', '192.0.2.1'],
    ['for=_hidden', '10.0.0.1'],
  ])('reads Forwarded: %s', (given, address) => {
    expect(addressOf('10.0.0.1', { forwarded: given }, 'forwarded')).toBe(address);
  });

  it('reads one header alone: whoever writes the other is not asked', () => {
    const both = { forwarded: 'for=198.51.100.1', 'x-forwarded-for': '192.0.2.1' };
    expect([addressOf('10.0.0.1', both), addressOf('10.0.0.1', both, 'forwarded')]).toEqual([
      '192.0.2.1',
      '198.51.100.1',
    ]);
  });
});
