import { expect, it } from 'vitest';
import { connectionLimits } from './connection-limits.js';

const limits = connectionLimits({
  MAX_CONNECTIONS: 10_000,
  MAX_CONNECTIONS_PER_ADDRESS: 1_000,
  TRUSTED_PROXIES: ['203.0.113.0/24', '2001:db8:1::/48'],
  TRUSTED_NETWORKS: ['127.0.0.0/8', '10.0.0.0/8', '::1/128'],
});

it.each([
  ['198.51.100.7', '198.51.100.7', 'an address counts for itself'],
  ['::ffff:198.51.100.7', '198.51.100.7', 'as a socket of both versions says it'],
  ['2001:db8:2::1', '2001:db8:2:0::/64', 'of IPv6 its /64'],
  ['2001:db8:2::ffff:1', '2001:db8:2:0::/64', 'all of it'],
  ['203.0.113.9', undefined, 'a proxy speaks for many'],
  ['2001:db8:1::9', undefined, 'so does one with IPv6'],
  ['127.0.0.1', undefined, 'what is on this machine is not counted'],
  ['::ffff:10.1.2.3', undefined, 'nor what is in a private network'],
  ['::1', undefined, 'nor this machine over IPv6'],
])('%s → %s: %s', (address, subject, _why) => {
  expect(limits.perAddress?.subjectOf(address)).toBe(subject);
});

it('passes both limits on', () => {
  expect([limits.connections_max, limits.perAddress?.connections_max]).toEqual([10_000, 1_000]);
});
