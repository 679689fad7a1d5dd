import { describe, expect, it } from 'vitest';
import type { AnyMessage } from '@payflow/contracts';
import { planSequence, type SequenceState } from './sequence-plan.js';
import type { Arrival } from './unit.js';

const SUBJECT = 'org/test/pay';

/** A command by its number, `3` or `3b` for another under the same number; `-` is outside any sequence. */
function arrival(name: string): Arrival {
  const sequence = name === '-' ? undefined : parseInt(name, 10);
  const message = { id: name, tenant: 'org', livemode: false, key: 'pay', data: { sequence } } as unknown as AnyMessage;
  return { message, offset: 0, value: Buffer.alloc(0), span: undefined };
}

function plan(used: number, waiting: readonly string[], arrivals: readonly string[]) {
  const state: SequenceState = { used, waiting: new Map(waiting.map((name) => [parseInt(name, 10), arrival(name)])) };
  const made = planSequence(arrivals.map(arrival), new Map([[SUBJECT, state]]));
  const names = (list: readonly Arrival[]) => list.map(({ message }) => message.id).join(' ');
  return {
    ready: names(made.ready),
    early: names(made.early),
    taken: names(made.taken),
    repeated: names(made.repeated),
    conflicting: names(made.conflicting),
    used: made.used.get(SUBJECT)?.number,
  };
}

const NONE = { ready: '', early: '', taken: '', repeated: '', conflicting: '', used: undefined };

describe('commands of one subject', () => {
  it.each([
    ['the first is applied and uses nothing up that must be noted', 0, [], ['1'], { ready: '1' }],
    ['the next is applied', 1, [], ['2'], { ready: '2', used: 2 }],
    ['an early one waits', 1, [], ['3'], { early: '3' }],
    ['one before the first waits', 0, [], ['2'], { early: '2' }],
    [
      'one brings along what waited for it, as far as it goes',
      1,
      ['3', '4', '6'],
      ['2'],
      { ready: '2 3 4', taken: '3 4', used: 4 },
    ],
    ['a shuffled batch comes out in order', 0, [], ['4', '2', '1', '3'], { ready: '1 2 3 4', used: 4 }],
    ['a copy of the first is left to the reader', 1, [], ['1'], { ready: '1' }],
    ['a copy of a later one is not applied', 3, [], ['2', '3'], { repeated: '2 3' }],
    ['a copy of an early one waits once', 1, [], ['3', '3'], { early: '3' }],
    ['a copy of one that waits already waits once', 1, ['3'], ['3'], {}],
    [
      'one that waited for what was used up without it goes before whatever comes, and its copy is not applied',
      1,
      ['2', '3', '5'],
      ['4', '2'],
      { ready: '2 3 4 5', taken: '2 3 5', repeated: '2', used: 5 },
    ],
    [
      'two under one number: the second is never applied',
      1,
      ['3'],
      ['3b', '2'],
      { ready: '2 3', taken: '3', conflicting: '3b', used: 3 },
    ],
    [
      'a command outside the sequence is applied where it stands',
      1,
      ['3'],
      ['-', '2', '-'],
      { ready: '- 2 3 -', taken: '3', used: 3 },
    ],
  ] as const)('%s', (_, used, waiting, arrivals, expected) => {
    expect(plan(used, waiting, arrivals)).toEqual({ ...NONE, ...expected });
  });
});
