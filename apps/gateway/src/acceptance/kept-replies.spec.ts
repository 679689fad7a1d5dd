import { createHash } from 'node:crypto';
import { newId } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import { KeptReplies } from './kept-replies.js';

const tenant = newId('tenant');
const write = {
  ...{ tenant, livemode: true, idempotencyKey: 'key-1', apiVersion: '2026-11-24' },
  fingerprint: createHash('sha256').update('one').digest(),
};
const reply = { status: 201, headers: { 'content-type': 'application/json' }, body: '{}' };

describe('a reply that was sent just now', () => {
  const kept = new KeptReplies();
  kept.keep(write, reply);

  it('is told to a copy of its request', () => {
    expect(kept.find({ ...write, fingerprint: Buffer.from(write.fingerprint) })).toBe(reply);
  });

  it.each([
    ['another request', { fingerprint: createHash('sha256').update('other').digest() }],
    ['another key', { idempotencyKey: 'key-2' }],
    ['test mode', { livemode: false }],
    ['another tenant', { tenant: newId('tenant') }],
  ])('is not told to %s', (_, other) => {
    expect(kept.find({ ...write, ...other })).toBeUndefined();
  });
});

it('replies of sixteen MiB are kept: the ones asked for last', () => {
  const kept = new KeptReplies();
  const large = { ...reply, body: 'x'.repeat(1_024 * 1_024) };
  const keys = Array.from({ length: 20 }, (_, at) => ({ ...write, idempotencyKey: `key-${at}` }));
  for (const key of keys) kept.keep(key, large);
  const found = keys.filter((key) => kept.find(key));
  expect(found).toEqual(keys.slice(-15));
});
