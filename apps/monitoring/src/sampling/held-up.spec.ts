import { SUBSCRIPTIONS, type Group } from '@payflow/contracts';
import { expect, it } from 'vitest';
import { heldUpIn } from './held-up.js';
import { readerLags } from './lags.js';
import { Picture, partitionKey, readerKey } from './picture.js';

const NOW = 1_000_000_000;

/** All is published and read. */
function well(): Picture {
  const picture = new Picture();
  for (const service of ['gateway', 'payments', 'ledger'] as const)
    picture.service(service).outboxAge_s = { value: 0.2, at_ms: NOW - 9_000 };
  for (const partition of [0, 1]) {
    picture.ends.set(partitionKey('payments.commands.v1', partition), [
      { at_ms: NOW - 60_000, high: 10 },
      { at_ms: NOW - 1_000, high: 20 },
    ]);
    place(picture, 'payments.commands', partition, 20);
  }
  return picture;
}

function place(picture: Picture, group: Group, partition: number, next_offset: number, stopped: string | null = null) {
  const { topic } = SUBSCRIPTIONS[group];
  const position = { group, topic, partition, next_offset, stopped_reason: stopped };
  picture.positions.set(readerKey(group, partition), { position, at_ms: NOW });
}

const reason = (change: (picture: Picture) => unknown = () => undefined) => {
  const picture = well();
  change(picture);
  return heldUpIn(picture, readerLags(picture, 'single', NOW), NOW)('payments.commands');
};

it('has nothing to say of a reader that has met all that was sent to it', () => {
  expect(reason()).toBeUndefined();
  // What is not its sender's is not its own.
  expect(reason((picture) => (picture.service('ledger').outboxAge_s = { value: 90, at_ms: NOW }))).toBeUndefined();
});

it.each<[why: string, change: (picture: Picture) => unknown]>([
  [
    'gateway has messages that are not published',
    (picture) => (picture.service('gateway').outboxAge_s = { value: 6, at_ms: NOW }),
  ],
  [
    'gateway has not told of its unpublished messages',
    (picture) => (picture.service('gateway').outboxAge_s = { value: 0, at_ms: NOW - 31_000 }),
  ],
  [
    'payments has not told of its unpublished messages',
    (picture) => (picture.service('payments').outboxAge_s = undefined),
  ],
  ['payments.commands/1 is behind', (picture) => place(picture, 'payments.commands', 1, 15)],
  [
    'payments.commands/0 stands still',
    (picture) => place(picture, 'payments.commands', 0, 20, 'gap_in_log: 20 follows 18'),
  ],
  [
    'the lag of payments.commands/1 is not known',
    (picture) => picture.ends.delete(partitionKey('payments.commands.v1', 1)),
  ],
  [
    'the lag of payments.commands/0 is not known',
    (picture) => picture.ends.set(partitionKey('payments.commands.v1', 0), [{ at_ms: NOW - 11_000, high: 20 }]),
  ],
])('says that %s', (why, change) => {
  expect(reason(change)).toBe(why);
});
