import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TrafficClass } from '../http/traffic.js';
import { Gate } from './gate.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function gateWith(options: { workers_max: number; waiting_max: number }) {
  const told: string[] = [];
  const gate = new Gate({ ...options, clock: () => Date.now() });
  const ask = (traffic: TrafficClass, name: string): (() => void) => {
    if (gate.enter()) {
      told.push(name);
      return () => undefined;
    }
    return gate.wait(
      traffic,
      () => told.push(name),
      (reason) => told.push(`${name} ${reason}`),
    );
  };
  return { gate, told, ask };
}

describe('while there are workers', () => {
  it('begins at once, and keeps nothing of who has left', () => {
    const { gate, told, ask } = gateWith({ workers_max: 2, waiting_max: 0 });
    ask('export', 'a');
    ask('read', 'b');
    expect([told, gate.running]).toEqual([['a', 'b'], 2]);
    gate.leave();
    gate.leave();
    expect([gate.running, gate.waiting('read'), gate.oldest_ms]).toEqual([0, 0, 0]);
  });

  it('refuses what comes to workers that are all busy where nothing may wait', () => {
    const { gate, told, ask } = gateWith({ workers_max: 1, waiting_max: 0 });
    expect(gate.isFullFor('export')).toBe(false);
    ask('read', 'a');
    expect(gate.isFullFor('critical')).toBe(true);
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
    for (let left = 0; left < 6; left++) gate.leave();
    expect(told).toEqual(['at work', 'c', 'w1', 'w2', 'r', 'e']);
    expect(gate.running).toBe(0);
  });

  it('nobody overtakes who waits', () => {
    const { gate, ask } = gateWith({ workers_max: 1, waiting_max: 10 });
    ask('read', 'a');
    ask('export', 'b');
    gate.workers = 2;
    expect(gate.enter()).toBe(false);
    gate.admitWaiting();
    expect(gate.running).toBe(2);
  });

  it('makes room for what is more important by sending away the youngest of the least important', () => {
    const { gate, told, ask } = gateWith({ workers_max: 1, waiting_max: 3 });
    ask('read', 'at work');
    for (const name of ['e1', 'e2']) ask('export', name);
    ask('write', 'w');
    expect([gate.isFullFor('export'), gate.isFullFor('read'), gate.isFullFor('critical')]).toEqual([
      true,
      false,
      false,
    ]);
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
    giveUp();
    giveUp();
    ask('read', 'c');
    gate.leave();
    gate.leave();
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

describe('patience', () => {
  it('a burst is waited out', () => {
    const { gate, told, ask } = gateWith({ workers_max: 1, waiting_max: 100 });
    ask('write', 'a');
    for (let at = 0; at < 10; at++) ask('write', `w${at}`);
    vi.advanceTimersByTime(150);
    for (let left = 0; left < 11; left++) gate.leave();
    expect(told).toHaveLength(11);
    expect(told.every((name) => !name.includes(' '))).toBe(true);
  });

  it('a queue that does not empty sends away who has waited for long, and soon whoever comes', () => {
    const { gate, told, ask } = gateWith({ workers_max: 1, waiting_max: 100 });
    ask('write', 'at work');
    for (const name of ['w1', 'w2', 'w3']) ask('write', name);
    ask('critical', 'c');
    vi.advanceTimersByTime(210);
    expect(told).toEqual(['at work', 'w1 queued_too_long', 'w2 queued_too_long', 'w3 queued_too_long']);
    ask('read', 'r');
    ask('write', 'w4');
    vi.advanceTimersByTime(25);
    expect(told.slice(4)).toEqual(['r queued_too_long', 'w4 queued_too_long']);
    gate.leave();
    expect(told.at(-1)).toBe('c');
  });

  it('who is next is kept for as long as in a burst: a worker that is slow must find somebody', () => {
    const { gate, told, ask } = gateWith({ workers_max: 2, waiting_max: 100 });
    for (const name of ['a', 'b', 'c', 'd']) ask('write', name);
    ask('export', 'e');
    vi.advanceTimersByTime(210);
    expect(told).toEqual(['a', 'b', 'e queued_too_long']);
    gate.leave();
    expect(told.at(-1)).toBe('c');
    vi.advanceTimersByTime(200);
    expect(told.at(-1)).toBe('d queued_too_long');
  });

  it('what settles money waits longer, and not for ever', () => {
    const { told, ask } = gateWith({ workers_max: 1, waiting_max: 100 });
    ask('write', 'at work');
    ask('critical', 'c');
    vi.advanceTimersByTime(780);
    expect(told).toEqual(['at work']);
    vi.advanceTimersByTime(30);
    expect(told.at(-1)).toBe('c queued_too_long');
  });

  it('once all is calm again, a burst is one again', () => {
    const { gate, told, ask } = gateWith({ workers_max: 1, waiting_max: 1 });
    ask('write', 'at work');
    ask('write', 'waits');
    ask('write', 'too many');
    gate.leave();
    gate.leave();
    vi.advanceTimersByTime(1_001);
    ask('write', 'at work again');
    ask('write', 'patient');
    vi.advanceTimersByTime(150);
    gate.leave();
    expect(told).toEqual(['at work', 'too many queue_full', 'waits', 'at work again', 'patient']);
  });

  it('looks at the clock only while somebody waits', () => {
    const { gate, ask } = gateWith({ workers_max: 1, waiting_max: 5 });
    ask('read', 'a');
    expect(vi.getTimerCount()).toBe(0);
    ask('read', 'b');
    expect(vi.getTimerCount()).toBe(1);
    gate.leave();
    expect(vi.getTimerCount()).toBe(0);
  });
});
