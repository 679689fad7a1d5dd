import { randomBytes } from 'node:crypto';
import { crashAt } from '@payflow/contracts';
import { packFrameAside, unpackFrame, type Frame } from './codec.js';
import { HOUR_MS, jittered } from './lives.js';
import type { Redis, RedisConnection } from './redis.js';

/** How long one process of the cluster may keep a load to itself. */
const LEASE_MS = 2_000;
/** When another process loads, it is looked so often, and so long, whether it is done. */
const LEASE_POLL_MS = 5;
const LEASE_WAIT_MS = 100;
/** Larger values would hold up all other commands of a connection. */
const VALUE_BYTES_MAX = 256 * 1024;
const SCAN_COUNT = 1_000;

/** One key of one family, as Redis knows it. */
export interface RemoteKey {
  readonly entry: string;
  readonly tags: readonly string[];
  readonly life_ms: number;
}

/** What Redis said of a key: a value that holds, or none; `loading`: some process has the lease. */
export interface Look {
  readonly frame: Frame | undefined;
  readonly loading: boolean;
}

/** The right to put a value there, as of before its load. */
export interface Fill {
  readonly tokens: readonly string[];
  /** This process is the one of the cluster that should load. */
  readonly leased: boolean;
}

export function newToken(): string {
  return randomBytes(9).toString('base64url');
}

/**
 * The level that processes share. Each tag has a token, random and made when it is first needed; a value carries the tokens
 * that its tags had before it was loaded, and holds as long as they are the same. So to forget a tag is to delete its
 * token: that takes one command however much depends on it, needs no memory (a full Redis can still do it), and no load
 * that began before can put an old value back. A token that Redis evicts makes its values void, and never old ones valid.
 */
export class Remote {
  constructor(
    private readonly redis: RedisConnection,
    private readonly prefix: string,
  ) {}

  tagKey(tag: string): string {
    return `${this.prefix}tag:${tag}`;
  }

  key(family: string, name: string, tags: readonly string[], life_ms: number): RemoteKey {
    return { entry: `${this.prefix}${family}:${name}`, tags: tags.map((tag) => this.tagKey(tag)), life_ms };
  }

  /** The value of the key if it still holds; undefined when Redis does not answer. */
  async look(key: RemoteKey): Promise<Look | undefined> {
    const found = await this.redis.attempt((redis) => redis.mgetBuffer(key.entry, leaseOf(key), ...key.tags));
    if (!found) return undefined;
    const [bytes, lease, ...tokens] = found;
    const frame = bytes ? unpackFrame(bytes) : undefined;
    return { frame: frame && holds(frame, tokens) ? frame : undefined, loading: lease !== null };
  }

  /** To be called before a load whose value is to be kept; undefined when Redis does not answer. */
  async begin(key: RemoteKey): Promise<Fill | undefined> {
    const life = tokenLife(key.life_ms);
    const answers = await this.redis.attempt((redis) =>
      Promise.all([
        redis.set(leaseOf(key), '1', 'PX', LEASE_MS, 'NX'),
        ...key.tags.map((tag) => tokenOf(redis, tag, life)),
      ]),
    );
    if (!answers) return undefined;
    const [lease, ...tokens] = answers;
    return { tokens: tokens as string[], leased: lease === 'OK' };
  }

  /** Waits for the process that holds the lease: its value, or undefined when it has none to share. */
  async awaitOther(key: RemoteKey): Promise<Frame | undefined> {
    const deadline = performance.now() + LEASE_WAIT_MS;
    while (performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, jittered(LEASE_POLL_MS)));
      const look = await this.look(key);
      if (look?.frame) return look.frame;
      if (!look?.loading) return undefined;
    }
    return undefined;
  }

  /** Keeps a value that was loaded since {@link begin}; undefined: there was none. Ends the lease. Never rejects. */
  async store(
    key: RemoteKey,
    { tokens, leased }: Fill,
    value: { readonly at: number; readonly text: string } | undefined,
  ): Promise<void> {
    const frame =
      value && value.text.length <= VALUE_BYTES_MAX ? await packFrameAside({ ...value, tokens }) : undefined;
    await this.redis.attempt((redis) =>
      Promise.all([
        ...(frame ? [redis.set(key.entry, frame, 'PX', jittered(key.life_ms))] : []),
        ...(leased ? [redis.del(leaseOf(key))] : []),
      ]),
    );
    if (frame) crashAt('cache-written');
  }

  /**
   * Deletes what matches, by SCAN: without holding up the server, and without a promise for keys that are made meanwhile.
   * Returns how many; undefined when Redis stopped to answer.
   */
  async deleteMatching(pattern: string): Promise<number | undefined> {
    let cursor = '0';
    let deleted = 0;
    do {
      const step = await this.redis.attempt(async (redis) => {
        const [next, keys] = await redis.scan(cursor, 'MATCH', `${this.prefix}${pattern}`, 'COUNT', SCAN_COUNT);
        return { next, count: keys.length > 0 ? await redis.unlink(...keys) : 0 };
      });
      if (!step) return undefined;
      cursor = step.next;
      deleted += step.count;
    } while (cursor !== '0');
    return deleted;
  }
}

/** The token that the tag has, or has from now on: one command says which. */
async function tokenOf(redis: Redis, tag: string, life_ms: number): Promise<string> {
  const made = newToken();
  return (await redis.set(tag, made, 'PX', life_ms, 'NX', 'GET')) ?? made;
}

/** Longer than any value that depends on it, or values would end with their token. */
export function tokenLife(life_ms: number): number {
  return Math.max(HOUR_MS, 2 * life_ms);
}

function leaseOf({ entry }: RemoteKey): string {
  return `${entry}:lease`;
}

function holds({ tokens }: Frame, current: readonly (Buffer | null)[]): boolean {
  return tokens.length === current.length && current.every((token, at) => token?.toString('latin1') === tokens[at]);
}
