import { describe, expect, it } from 'vitest';
import { isAddressBlock, isAllowed, isWithin } from './address-list.js';

describe('an address block', () => {
  it.each(['10.0.0.0/8', '192.0.2.7', '0.0.0.0/0', '2001:db8::/32', '::1', '::/0'])('is %s', (text) =>
    expect(isAddressBlock(text)).toBe(true),
  );

  it.each([
    '',
    '10.0.0.0/33',
    '10.0.0/8',
    '10.0.0.0/08',
    '::1/129',
    'fe80::1%eth0',
    '10.0.0.0/8/8',
    'localhost',
    '1/1',
  ])('is not %s', (text) => expect(isAddressBlock(text)).toBe(false));
});

describe('a list of blocks', () => {
  it('lets everybody through where it is empty', () => expect(isAllowed('203.0.113.9', [])).toBe(true));

  it.each([
    ['10.1.2.3', true],
    ['::ffff:10.1.2.3', true],
    ['11.1.2.3', false],
    ['2001:db8::5', true],
    ['2001:db9::5', false],
    ['', false],
    ['unknown', false],
  ])('of a network of each kind says to %s: %s', (address, allowed) =>
    expect(isAllowed(address, ['10.0.0.0/8', '2001:db8::/32'])).toBe(allowed),
  );
});

describe('a block lies within a list', () => {
  it.each<[string, readonly string[], boolean]>([
    ['10.1.0.0/16', ['10.0.0.0/8'], true],
    ['10.0.0.0/8', ['10.0.0.0/8'], true],
    ['10.1.2.3', ['192.0.2.0/24', '10.0.0.0/8'], true],
    ['10.0.0.0/7', ['10.0.0.0/8'], false],
    ['11.0.0.0/16', ['10.0.0.0/8'], false],
    ['0.0.0.0/0', ['10.0.0.0/8'], false],
    ['10.0.0.0/8', ['0.0.0.0/0'], true],
    ['2001:db8:1::/48', ['2001:db8::/32'], true],
    ['2001:db8::/31', ['2001:db8::/32'], false],
    // A mapped address counts as what it is.
    ['::ffff:10.1.2.3', ['10.0.0.0/8'], true],
    ['::ffff:10.0.0.0/100', ['10.0.0.0/8'], false],
    ['::/0', ['0.0.0.0/0'], false],
    ['10.0.0.0/8', [], false],
  ])('%s within %j: %s', (block, blocks, within) => expect(isWithin(block, blocks)).toBe(within));
});
