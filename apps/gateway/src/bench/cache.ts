import { RedisConnection } from '@payflow/cache';
import type { ResourceKey } from '../database/keys.js';
import { printFigures, spread, type Figures, type Spread } from './figures.js';
import { cached, naive, uncached, type Kind, type Reads } from './reads.js';
import { openViews, type Views } from './views.js';
import { repeatable, zipf } from './zipf.js';

/**
 * Reads of the gateway (Zipf: half balances, a third payments, the rest pages of history) from Postgres, through a plain
 * GET-and-SET cache, and through the product's, in turns in one run. Then 500 readers at once on a key that nobody has. Ends
 * with 1 when an answer is not what Postgres has.
 */
const SIZES = {
  smoke: { rows: 20_000, reads: 4_000, warmUp: 40_000, pairs: 5 },
  full: { rows: 1_000_000, reads: 20_000, warmUp: 600_000, pairs: 7 },
};
const EXPONENT = 1.1;
const SEED = 20_261_126;
const READERS = 16;
/** The gateway's pool. */
const CONNECTIONS = 12;
const STAMPEDE = 500;
const STAMPEDES = 5;
const COMPARED = 500;
const SOUND_WITHIN_MS = 10_000;

const size = SIZES[process.argv[2] === 'full' ? 'full' : 'smoke'];

interface Read {
  readonly kind: Kind;
  readonly key: ResourceKey;
}

interface Round {
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly perSecond: number;
  readonly statements: number;
}

function readsOf(views: Views): () => Read {
  const random = repeatable(SEED);
  const [all, active] = [zipf(size.rows, EXPONENT, random), zipf(views.active, EXPONENT, random)];
  return () => {
    const at = random();
    if (at < 0.5) return { kind: 'balance', key: views.account(all()) };
    if (at < 0.83) return { kind: 'payment', key: views.payment(all()) };
    return { kind: 'history', key: views.account(active()) };
  };
}

async function round(views: Views, by: Reads, reads: readonly Read[]): Promise<Round> {
  const took: number[] = [];
  const before = views.statements();
  const startedAt = performance.now();
  let next = 0;
  const reader = async (): Promise<void> => {
    for (let read = reads[next++]; read; read = reads[next++]) {
      const begun = performance.now();
      await by.read(read.kind, read.key);
      took.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  const seconds = (performance.now() - startedAt) / 1_000;
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.floor(took.length * share)] ?? 0;
  return {
    p50_ms: at(0.5),
    p99_ms: at(0.99),
    perSecond: reads.length / seconds,
    statements: (views.statements() - before) / reads.length,
  };
}

function batch(read: () => Read, count: number): Read[] {
  return Array.from({ length: count }, read);
}

async function inTurns(views: Views, ways: readonly Reads[]): Promise<Round[][]> {
  const read = readsOf(views);
  for (const way of ways) await round(views, way, batch(read, way.name === 'uncached' ? size.reads : size.warmUp));
  const rounds: Round[][] = ways.map(() => []);
  for (let turn = 0; turn < size.pairs; turn++) {
    const reads = batch(read, size.reads);
    for (const [at, way] of ways.entries()) rounds[at]?.push(await round(views, way, reads));
  }
  return rounds;
}

/** Statements for 500 readers at once of a key that is in no cache yet. */
async function stampedes(views: Views, way: Reads, from: number): Promise<number[]> {
  const loads: number[] = [];
  for (let i = 0; i < STAMPEDES; i++) {
    const key = views.account(from + i);
    const before = views.statements();
    await Promise.all(Array.from({ length: STAMPEDE }, () => way.read('balance', key)));
    loads.push(views.statements() - before);
  }
  return loads;
}

/** Reads whose answer differs from Postgres'. */
async function wrongAnswers(truth: Reads, way: Reads, reads: readonly Read[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const { kind, key } of reads)
    if ((await truth.read(kind, key)) !== (await way.read(kind, key))) wrong.push(`${kind} of ${key.id}`);
  return wrong;
}

async function untilSound(isSound: () => boolean): Promise<void> {
  const deadline = performance.now() + SOUND_WITHIN_MS;
  while (!isSound()) {
    if (performance.now() > deadline) throw new Error('the cache does not hear its own heartbeat');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const ratio = (of: readonly number[], to: readonly number[]): Spread =>
  spread(of.map((value, at) => value / (to[at] ?? NaN)));

function figuresOf(names: readonly string[], rounds: readonly Round[][]): Figures {
  const of = (at: number, pick: (round: Round) => number) => (rounds[at] ?? []).map(pick);
  return {
    ...Object.fromEntries(
      names.flatMap((name, at): [string, Spread][] => [
        [`${name}, p50 ms`, spread(of(at, (r) => r.p50_ms))],
        [`${name}, p99 ms`, spread(of(at, (r) => r.p99_ms))],
        [`${name}, reads/s`, spread(of(at, (r) => r.perSecond))],
        [`${name}, statements per read`, spread(of(at, (r) => r.statements))],
      ]),
    ),
    'p50, uncached against cached (aim: at least 3)': ratio(
      of(0, (r) => r.p50_ms),
      of(2, (r) => r.p50_ms),
    ),
    'p99, uncached against cached (aim: at least 1)': ratio(
      of(0, (r) => r.p99_ms),
      of(2, (r) => r.p99_ms),
    ),
    'p50, naive against cached (aim: at least 1)': ratio(
      of(1, (r) => r.p50_ms),
      of(2, (r) => r.p50_ms),
    ),
    'p99, naive against cached': ratio(
      of(1, (r) => r.p99_ms),
      of(2, (r) => r.p99_ms),
    ),
    'reads/s, cached against naive (aim: at least 1)': ratio(
      of(2, (r) => r.perSecond),
      of(1, (r) => r.perSecond),
    ),
    'statements saved (aim: at least 0.7)': spread(of(2, (r) => 1 - r.statements)),
    'hit rate after warm-up (aim: at least 0.85)': spread(of(2, (r) => 1 - r.statements)),
  };
}

async function main(): Promise<void> {
  const redisUrl = process.env['REDIS_URL'] ?? '';
  const views = await openViews(process.env['POSTGRES_URL'] ?? '', size.rows, CONNECTIONS);
  const redis = new RedisConnection(redisUrl, 'bench', 2);
  redis.open();
  const ours = cached(views, redis, redisUrl);
  const caches = ours.caches.all;
  caches.open();
  await untilSound(() => caches.isTrusted([]));
  const ways = [uncached(views), naive(views, redis), ours];
  const rounds = await inTurns(views, ways);
  const cold = size.rows - 2 * STAMPEDES;
  const [theirs, our] = [
    await stampedes(views, ways[1] as Reads, cold),
    await stampedes(views, ours, cold + STAMPEDES),
  ];
  printFigures({
    benchmark: 'cache',
    settings: { ...size, exponent: EXPONENT, readers: READERS, connections: CONNECTIONS },
    figures: {
      ...figuresOf(
        ways.map(({ name }) => name),
        rounds,
      ),
      [`loads of ${STAMPEDE} readers at once of a cold key, naive`]: spread(theirs),
      [`loads of ${STAMPEDE} readers at once of a cold key, cached (aim: at most 1)`]: spread(our),
    },
    broken: await wrongAnswers(ways[0] as Reads, ours, batch(readsOf(views), COMPARED)),
  });
  caches.close();
  redis.close();
  await views.close();
}

await main();
