import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Producer, RecordToSend } from '../broker/port.js';
import { Lane, type Shipment } from './lane.js';

/** A producer whose sends end when the spec says so. */
class HeldProducer implements Producer {
  readonly sends: { values: string[]; acknowledge(): void; fail(error: Error): void }[] = [];
  outstanding = 0;
  outstandingMost = 0;

  send(_topic: string, _partition: number, records: readonly RecordToSend[]): Promise<void> {
    this.outstandingMost = Math.max(this.outstandingMost, ++this.outstanding);
    return new Promise<void>((resolve, reject) => {
      this.sends.push({ values: records.map(({ value }) => String(value)), acknowledge: resolve, fail: reject });
    }).finally(() => {
      this.outstanding--;
    });
  }

  async close(): Promise<void> {}

  /** The send of that number, once it was made. */
  async nth(number: number) {
    for (let turns = 0; this.sends.length < number; turns++) {
      if (turns > 10_000) throw new Error(`there is no send ${number}`);
      await turn();
    }
    return this.sends[number - 1] as HeldProducer['sends'][number];
  }
}

function laneOver(producer: Producer) {
  const sent: string[] = [];
  const failures: unknown[] = [];
  const lane = new Lane('topic', 0, producer, {
    onSent: (shipments) => sent.push(...shipments.map(({ row }) => row.id)),
    onFailed: (error) => failures.push(error),
  });
  const settled = new Map<string, boolean>();
  const offer = (id: string, options: Partial<Shipment> & { count?: number } = {}) => {
    const { count = 1, ...rest } = options;
    lane.offer({
      row: { id, created_at: new Date(0) },
      records: Array.from({ length: count }, () => ({ key: id, value: id, headers: {} })),
      bytes: 100,
      expiresAt_ms: performance.now() + 60_000,
      onSettled: (acknowledged) => settled.set(id, acknowledged),
      ...rest,
    });
  };
  return { lane, offer, sent, failures, settled };
}

describe('a lane', () => {
  it('sends at once when idle, and has one send outstanding, which takes what gathered meanwhile', async () => {
    const producer = new HeldProducer();
    const { offer, sent, settled } = laneOver(producer);
    offer('a');
    const first = await producer.nth(1);
    for (const id of ['b', 'c', 'd']) offer(id);
    await turn();
    expect(producer.sends.length).toBe(1);
    first.acknowledge();
    const second = await producer.nth(2);
    expect(second.values).toEqual(['b', 'c', 'd']);
    second.acknowledge();
    await turn();
    expect(sent).toEqual(['a', 'b', 'c', 'd']);
    expect([...settled.values()]).toEqual([true, true, true, true]);
    expect(producer.outstandingMost).toBe(1);
  });

  it('drops what has expired while it waited, and leaves it to the relay', async () => {
    const producer = new HeldProducer();
    const { offer, sent, settled } = laneOver(producer);
    offer('a');
    const first = await producer.nth(1);
    offer('late', { expiresAt_ms: performance.now() });
    offer('b');
    first.acknowledge();
    (await producer.nth(2)).acknowledge();
    await turn();
    expect(producer.sends[1]?.values).toEqual(['b']);
    expect(sent).toEqual(['a', 'b']);
    expect(settled.get('late')).toBe(false);
  });

  it('takes no more into one send than a request may hold, in records or in bytes', async () => {
    const producer = new HeldProducer();
    const { offer } = laneOver(producer);
    offer('first');
    const first = await producer.nth(1);
    offer('large', { bytes: 850_000 });
    offer('larger', { bytes: 890_000 });
    offer('many', { count: 900 });
    offer('more', { count: 200 });
    first.acknowledge();
    const sizes: string[][] = [];
    for (let number = 2; number <= 4; number++) {
      const send = await producer.nth(number);
      sizes.push([...new Set(send.values)]);
      send.acknowledge();
    }
    expect(sizes).toEqual([['large'], ['larger', 'many'], ['more']]);
  });

  it('ends with its first failure: nothing more goes through that producer, everything is left to the relay', async () => {
    const producer = new HeldProducer();
    const { lane, offer, sent, failures, settled } = laneOver(producer);
    offer('a');
    const first = await producer.nth(1);
    offer('b');
    first.fail(new Error('broker gone'));
    await turn();
    offer('c');
    await turn();
    expect(producer.sends.length).toBe(1);
    expect(sent).toEqual([]);
    expect(failures).toEqual([new Error('broker gone')]);
    expect(Object.fromEntries(settled)).toEqual({ a: false, b: false, c: false });
    expect(lane.idle).toBe(true);
  });

  it('never blocks: a full queue turns shipments away, and makes room by what has expired', async () => {
    const producer = new HeldProducer();
    const { offer, settled } = laneOver(producer);
    offer('first');
    await producer.nth(1);
    const soon = performance.now() + 60;
    for (let at = 0; at < 2_000; at++) offer(`queued-${at}`, { expiresAt_ms: soon });
    offer('too-many');
    expect(settled.get('too-many')).toBe(false);
    while (performance.now() <= soon) await turn();
    offer('fits');
    expect(settled.get('fits')).toBeUndefined();
    expect(settled.get('queued-0')).toBe(false);
  });
});
