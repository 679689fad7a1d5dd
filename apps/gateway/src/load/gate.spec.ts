import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TrafficClass } from '../http/edge/traffic.js';
import { Gate } from './gate.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function gateWith(options: { workers_max: number; waiting_max: number }) {
  const told: string[] = [];
  const gate = new Gate({ ...options, clock: () => Date.now() });
  /** As a request does: at the door, then at work or in the queue. */
  const ask = (traffic: TrafficClass, name: string): (() => void) | undefined => {
    const refusal = gate.turnAway(traffic);
    if (refusal) told.push(`${name} ${refusal}`);
    else if (gate.enter(traffic)) told.push(name);
    else
      return gate.wait(
        traffic,
        () => told.push(name),
        (reason) => told.push(`${name} ${reason}`),
      );
    return undefined;
  };
  return { gate, told, ask };
}

/** A queue of the class that stands, with nobody in it and one at work; what was told until then is forgotten. */
function standing(traffic: TrafficClass, options: { workers_max: number; waiting_max: number }) {
  const { gate, told, ask } = gateWith(options);
  for (let at = 0; at < options.workers_max; at++) ask(traffic === 'export' ? 'read' : traffic, 'at work');
  ask(traffic, 'waits');
  vi.advanceTimersByTime(traffic === 'critical' ? 810 : 210);
  told.length = 0;
  return { gate, told, ask };
}

describe('while there are workers', () => {
  it('begins at once, and keeps nothing of who has left', () => {
    const { gate, told, ask } = gateWith({ workers_max: 2, waiting_max: 0 });
    ask('export', 'a');
    ask('read', 'b');
    expect([told, gate.running]).toEqual([['a', 'b'], 2]);
    gate.leave('export');
    gate.leave('read');
    expect([gate.running, gate.waiting('read'), gate.oldest_ms]).toEqual([0, 0, 0]);
  });

  it('refuses what comes to workers that are all busy where nothing may wait', () => {
    const { told, ask } = gateWith({ workers_max: 1, waiting_max: 0 });
    ask('read', 'a');
    ask('critical', 'b');
    expect(told).toEqual(['a', 'b queue_full']);
  });
});

describe('the queue', () => {
  it('goes by class, and by turn within one', () => {
    const { gate, told, ask } = gateWith({ workers_max: 1, waiting_max: 10 });
    for (const [traffic, name] of [
      ['read', 'at work'],
      ['export', 'e'],
      ['read', 'r'],
      ['write', 'w1'],
      ['critical', 'c'],
      ['write', 'w2'],
    ] as const)
      ask(traffic, name);
    for (const traffic of ['read', 'critical', 'write', 'write', 'read', 'export'] as const) gate.leave(traffic);
    expect(told).toEqual(['at work', 'c', 'w1', 'w2', 'r', 'e']);
    expect(gate.running).toBe(0);
  });

  it('more workers take up who waits', () => {
    const { gate, told, ask } = gateWith({ workers_max: 1, waiting_max: 10 });
    ask('read', 'a');
    ask('export', 'b');
    ask('write', 'c');
    gate.workers = 2;
    expect([told, gate.running, gate.enter('critical')]).toEqual([['a', 'c'], 2, false]);
  });

  it('fewer workers stop nobody, and begin nobody until there are so few', () => {
    const { gate, told, ask } = gateWith({ workers_max: 2, waiting_max: 10 });
    for (const name of ['a', 'b', 'c']) ask('write', name);
    gate.workers = 1;
    gate.leave('write');
    expect([told, gate.running]).toEqual([['a', 'b'], 1]);
    gate.leave('write');
    expect([told, gate.running]).toEqual([['a', 'b', 'c'], 1]);
  });

  it('makes room for what is more important by sending away the youngest of the least important', () => {
    const { gate, told, ask } = gateWith({ workers_max: 1, waiting_max: 3 });
    ask('read', 'at work');
    for (const name of ['e1', 'e2']) ask('export', name);
    ask('write', 'w');
    ask('read', 'r');
    ask('export', 'e3');
    ask('critical', 'c');
    ask('critical', 'c2');
    expect(told).toEqual(['at work', 'e2 displaced', 'e3 queue_full', 'e1 displaced', 'r displaced']);
    expect([gate.waiting('export'), gate.waiting('read'), gate.waiting('write'), gate.waiting('critical')]).toEqual([
      0, 0, 1, 2,
    ]);
  });

  it('who has gone leaves a place and is not begun', () => {
    const { gate, told, ask } = gateWith({ workers_max: 1, waiting_max: 1 });
    ask('read', 'a');
    const giveUp = ask('read', 'b');
    giveUp?.();
    giveUp?.();
    ask('read', 'c');
    gate.leave('read');
    gate.leave('read');
    expect([told, gate.running, gate.waiting('read')]).toEqual([['a', 'c'], 0, 0]);
  });

  it('tells how long the oldest has waited', () => {
    const { gate, ask } = gateWith({ workers_max: 1, waiting_max: 5 });
    ask('read', 'a');
    expect(gate.oldest_ms).toBe(0);
    ask('export', 'b');
    vi.advanceTimersByTime(70);
    ask('critical', 'c');
    expect(gate.oldest_ms).toBe(70);
  });
});

describe('exports', () => {
  it('never have all workers: they hold theirs until somebody has read them', () => {
    const { gate, told, ask } = gateWith({ workers_max: 8, waiting_max: 10 });
    for (let at = 0; at < 4; at++) ask('export', `e${at}`);
    ask('write', 'w');
    expect(told).toEqual(['e0', 'e1', 'w']);
    gate.leave('write');
    expect(told).toHaveLength(3);
    gate.leave('export');
    expect(told.at(-1)).toBe('e2');
    expect([gate.running, gate.waiting('export')]).toEqual([2, 1]);
  });

  it('that wait for each other keep nobody else waiting, and make no other queue stand', () => {
    const { gate, told, ask } = gateWith({ workers_max: 4, waiting_max: 10 });
    for (const name of ['e0', 'e1']) ask('export', name);
    vi.advanceTimersByTime(210);
    expect(told).toEqual(['e0', 'e1 queued_too_long']);
    for (const name of ['w0', 'w1', 'w2', 'w3']) ask('write', name);
    vi.advanceTimersByTime(50);
    gate.leave('write');
    expect(told.slice(2)).toEqual(['w0', 'w1', 'w2', 'w3']);
  });

  it('have one worker where there are few', () => {
    const { told, ask } = gateWith({ workers_max: 2, waiting_max: 10 });
    for (const name of ['e0', 'e1']) ask('export', name);
    ask('critical', 'c');
    expect(told).toEqual(['e0', 'c']);
  });
});

describe('a burst', () => {
  it('is waited out', () => {
    const { gate, told, ask } = gateWith({ workers_max: 1, waiting_max: 100 });
    ask('write', 'a');
    for (let at = 0; at < 10; at++) ask('write', `w${at}`);
    vi.advanceTimersByTime(190);
    for (let left = 0; left < 11; left++) gate.leave('write');
    expect(told).toHaveLength(11);
    expect(told.every((name) => !name.includes(' '))).toBe(true);
  });

  it('of what settles money is waited out for as long as a group commit may take, and not for ever', () => {
    const { told, ask } = gateWith({ workers_max: 1, waiting_max: 100 });
    ask('write', 'at work');
    ask('critical', 'c');
    vi.advanceTimersByTime(780);
    expect(told).toEqual(['at work']);
    vi.advanceTimersByTime(30);
    expect(told.at(-1)).toBe('c queued_too_long');
  });
});

describe('a queue that stands', () => {
  it('sends away who has waited for long, and who comes there where there is no hope, at once', () => {
    const { gate, told, ask } = gateWith({ workers_max: 1, waiting_max: 100 });
    ask('write', 'at work');
    for (const name of ['w1', 'w2', 'w3']) ask('write', name);
    ask('critical', 'c');
    vi.advanceTimersByTime(210);
    expect(told).toEqual(['at work', 'w1 queued_too_long', 'w2 queued_too_long', 'w3 queued_too_long']);
    for (const name of ['w4', 'w5', 'w6', 'w7']) ask('write', name);
    expect(told.slice(4)).toEqual(['w7 standing']);
    vi.advanceTimersByTime(30);
    expect(told.slice(5)).toEqual(['w4 queued_too_long', 'w5 queued_too_long', 'w6 queued_too_long']);
    gate.leave('write');
    expect(told.at(-1)).toBe('c');
  });

  it('is none while who waits gets through soon, though it does not empty', () => {
    const { gate, told, ask } = gateWith({ workers_max: 1, waiting_max: 100 });
    for (const name of ['a', 'b', 'c']) ask('write', name);
    for (let at = 0; at < 50; at++) {
      vi.advanceTimersByTime(8);
      ask('write', 'w');
      gate.leave('write');
    }
    expect([gate.isStanding, gate.waiting('write')]).toEqual([false, 2]);
    expect(told).toHaveLength(51);
  });

  it('has one next for each worker', () => {
    const { told, ask } = standing('write', { workers_max: 6, waiting_max: 100 });
    for (let at = 0; at < 7; at++) ask('write', `w${at}`);
    expect(told).toEqual(['w6 standing']);
  });

  it('has no place for the less important, and all for the more important', () => {
    const { gate, told, ask } = standing('write', { workers_max: 1, waiting_max: 100 });
    ask('read', 'r');
    ask('export', 'e');
    for (let at = 0; at < 10; at++) ask('critical', `c${at}`);
    vi.advanceTimersByTime(30);
    expect(told).toEqual(['r standing', 'e standing']);
    // A worker that nobody wants is anybody's.
    for (let left = 0; left < 11; left++) gate.leave('critical');
    ask('export', 'e');
    expect(told.at(-1)).toBe('e');
  });

  it('of what settles money stands as well, later: who has a place keeps it, who comes after is told at the door', () => {
    const { gate, told, ask } = standing('critical', { workers_max: 1, waiting_max: 100 });
    for (let at = 0; at < 5; at++) ask('critical', `c${at}`);
    gate.leave('critical');
    vi.advanceTimersByTime(700);
    expect(told).toEqual(['c4 standing', 'c0']);
    vi.advanceTimersByTime(110);
    expect(told.slice(2)).toEqual(['c1 queued_too_long', 'c2 queued_too_long', 'c3 queued_too_long']);
  });

  it('of what settles money stands no longer for that some wait and get through', () => {
    const { gate, ask } = standing('critical', { workers_max: 1, waiting_max: 100 });
    for (let at = 0; at < 12; at++) {
      ask('critical', 'c');
      vi.advanceTimersByTime(100);
      gate.leave('critical');
    }
    expect(gate.isStanding).toBe(false);
  });

  it.each(['standing', 'queued_too_long'] as const)('goes on standing while some are sent away (%s)', (reason) => {
    const { told, ask } = standing('write', { workers_max: 1, waiting_max: 100 });
    for (let at = 0; at < 10; at++) {
      for (let more = 0; more < (reason === 'standing' ? 5 : 1); more++) ask('write', 'w');
      vi.advanceTimersByTime(500);
    }
    expect(told.filter((name) => name === `w ${reason}`).length).toBeGreaterThanOrEqual(10);
    told.length = 0;
    ask('write', 'the last');
    vi.advanceTimersByTime(30);
    expect(told).toEqual(['the last queued_too_long']);
  });

  it('is none any more once all has been calm for a second', () => {
    const { gate, told, ask } = standing('write', { workers_max: 1, waiting_max: 100 });
    gate.leave('write');
    expect(gate.isStanding).toBe(true);
    vi.advanceTimersByTime(1_001);
    expect(gate.isStanding).toBe(false);
    ask('write', 'at work');
    ask('write', 'patient');
    vi.advanceTimersByTime(190);
    gate.leave('write');
    expect(told).toEqual(['at work', 'patient']);
  });
});

it('looks at the clock only while somebody waits', () => {
  const { gate, ask } = gateWith({ workers_max: 1, waiting_max: 5 });
  ask('read', 'a');
  expect(vi.getTimerCount()).toBe(0);
  ask('read', 'b');
  expect(vi.getTimerCount()).toBe(1);
  gate.leave('read');
  expect(vi.getTimerCount()).toBe(0);
});
