import { ATTEMPT_STATUSES, NEWS_SOURCES, type AttemptStatus } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import { ATTEMPT_TRANSITIONS, FINAL_ATTEMPT_STATES, attemptDiagram, isLegalMove } from './attempt-transitions.js';
import { believe, isFinal, type NewsOutcome, type Told } from './attempt.js';

const OUTCOMES: readonly NewsOutcome[] = [
  'approved',
  'declined',
  'requires_action',
  'not_sent',
  'unknown',
  'not_found',
];
const TOLD: readonly Told[] = [null, 'approved', 'declined'];
/** What the worker does before anybody has said a word. */
const BY_THE_WORKER = ['created sending', 'created not_sent', 'created unknown', 'sending created', 'sending unknown'];

const believed = new Set<string>();
for (const status of ATTEMPT_STATUSES)
  for (const source of NEWS_SOURCES)
    for (const outcome of OUTCOMES)
      for (const told of TOLD)
        for (const mayBeSent of [true, false]) {
          const next = believe(status, { source, outcome }, mayBeSent, told).status;
          if (next !== null) believed.add(`${status} ${next}`);
        }

describe('the ways of an attempt', () => {
  const ways = ATTEMPT_TRANSITIONS.map(({ from, to }) => `${from} ${to}`);

  it('are all that any word can lead to, and what the worker does by itself', () => {
    expect([...believed].filter((way) => !isLegalMove(...(way.split(' ') as [AttemptStatus, AttemptStatus])))).toEqual(
      [],
    );
    const all = new Set([...believed, ...BY_THE_WORKER].filter((way) => new Set(way.split(' ')).size === 2));
    expect([...all].sort()).toEqual([...ways].sort());
  });

  it('are each there once, and none leaves what is final', () => {
    expect(new Set(ways).size).toBe(ways.length);
    expect(FINAL_ATTEMPT_STATES).toEqual(ATTEMPT_STATUSES.filter(isFinal));
    for (const from of FINAL_ATTEMPT_STATES)
      expect(ATTEMPT_STATUSES.filter((to) => isLegalMove(from, to))).toEqual([from]);
  });

  it('are what the picture shows', () => {
    expect(attemptDiagram().split('\n')).toHaveLength(2 + ways.length + FINAL_ATTEMPT_STATES.length);
  });
});
