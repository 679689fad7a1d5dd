import { randomBytes } from 'node:crypto';

/** Repeatable randomness (mulberry32). The seed is printed with what it decided: `SEED=…` plays it again. */
export class Random {
  private state: number;

  constructor(readonly seed: number = Number(process.env['SEED'] ?? randomBytes(4).readUInt32LE())) {
    this.state = seed >>> 0;
  }

  /** 0 ≤ x < 1 */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let word = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  of<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  /** Two different elements. */
  pair<T>(from: readonly T[]): [T, T] {
    const first = this.below(from.length);
    const second = (first + 1 + this.below(from.length - 1)) % from.length;
    return [from[first] as T, from[second] as T];
  }
}
