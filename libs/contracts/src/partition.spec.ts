import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionOf } from './partition.js';

const MANY = 2 ** 31;

describe('the partition of a key', () => {
  // org.apache.kafka.common.utils.UtilsTest#testMurmur2, made positive as the default partitioner does.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])("of %s is where Kafka's own partitioner puts it", (key, murmur2) => {
    expect(partitionOf(key, MANY)).toBe(murmur2 & 0x7fffffff);
    expect(partitionOf(key, 12)).toBe((murmur2 & 0x7fffffff) % 12);
  });

  it('lies within the topic, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 100 }), (key, partitions) => {
        const partition = partitionOf(key, partitions);
        expect(Number.isInteger(partition) && partition >= 0 && partition < partitions).toBe(true);
      }),
    );
  });
});
