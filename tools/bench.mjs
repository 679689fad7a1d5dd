/** `npm run bench -- <name> [--size smoke|full] [--base transfers]`: what it costs, on this machine, with durable servers of its own. Without a name lists them. */
import { join } from 'node:path';

import { serviceNodeArgs } from '../deploy/local/index.mjs';
import { paths, runtime } from './launcher/checkout.mjs';
import { runShown, startPostgres, startRedis } from './launcher/local-stack.mjs';
import { againstSpine } from './bench-spine.mjs';
import { onTestbed } from './testbed.mjs';

const sizes = ['smoke', 'full'];

/** @typedef {{ dir: string, env: NodeJS.ProcessEnv, size: string, base: number }} Place */

/**
 * A program of the ledger's, or of another part, on a durable server of its own.
 * @param {string} program @param {string} argument @param {Place} place @param {string} part
 */
async function onPostgres(program, argument, { dir, env }, part = join('apps', 'ledger')) {
  const postgres = await startPostgres({ dir: join(dir, 'postgres'), runDir: env['PAYFLOW_RUN_DIR'] ?? dir });
  const main = join(paths.root, part, 'dist', 'bench', `${program}.js`);
  return runShown(runtime(), [...serviceNodeArgs, main, argument], {
    cwd: paths.root,
    env: { ...process.env, ...env, POSTGRES_URL: postgres.url, POSTGRES_PID: String(postgres.pid) },
  });
}

/**
 * A program of the gateway's, on a durable Postgres and a Redis of its own.
 * @param {string} program @param {Place} place
 */
async function onPostgresAndRedis(program, { dir, env, size }) {
  const runDir = env['PAYFLOW_RUN_DIR'] ?? dir;
  const postgres = await startPostgres({ dir: join(dir, 'postgres'), runDir });
  const redis = await startRedis({ dir: join(dir, 'redis'), runDir });
  const main = join(paths.root, 'apps', 'gateway', 'dist', 'bench', `${program}.js`);
  return runShown(runtime(), [...serviceNodeArgs, main, size], {
    cwd: paths.root,
    env: { ...process.env, ...env, POSTGRES_URL: postgres.url, REDIS_URL: redis.url },
  });
}

/**
 * A program over all five services, on servers of its own.
 * @param {string} program @param {Place} place
 */
function onHouse(program, { env, size }) {
  const main = join(paths.root, 'apps', 'e2e', 'dist', 'bench', `${program}.js`);
  return runShown(runtime(), [...serviceNodeArgs, main, size], { cwd: paths.root, env: { ...process.env, ...env } });
}

/**
 * `isAlone`: runs others, each of which sets up what it needs.
 * @type {Record<string, { what: string, run: (place: Place) => Promise<number>, isAlone?: boolean }>}
 */
const benchmarks = {
  pipeline: {
    what: 'payments through the HTTP API and all five services: rate applied, latency, CPU per payment and process',
    run: (place) => onHouse('pipeline', place),
  },
  'pipeline-spine': {
    what: 'the pipeline against that of the first version that paid end to end, rebuilt and run in turns with it: its commit comes from the history',
    run: ({ size }) => againstSpine(size),
    isAlone: true,
  },
  rails: {
    what: 'card payments at a provider of 50 ms, with bounded sockets; what a provider of 5 s does to the others, in turns in one run',
    run: (place) => onHouse('rails', place),
  },
  'start-up': {
    what: 'from a process to ready, per service: its parts side by side against one after the other, in turns in one run',
    run: (place) => onHouse('start-up', place),
  },
  users: {
    what: 'twenty, fifty and a hundred users who look and pay: what each kind of request takes, held against its limit',
    run: (place) => onHouse('users', place),
  },
  forwarding: {
    what: 'reads that the gateway forwards to the ledger: over HTTP/2 against HTTP/1.1, in turns in one run',
    run: (place) => onHouse('forwarding', place),
  },
  cache: {
    what: "the gateway's reads from Postgres, through a plain GET-and-SET cache and through the product's, in turns in one run",
    run: (place) => onPostgresAndRedis('cache', place),
  },
  gateway: {
    what: "CPU of the gateway's edge for a POST against Fastify and Node alone, stored replies, lists compressed and cached, what compressing adds at p99, a thousand connections",
    run: (place) => onPostgresAndRedis('edge', place),
  },
  ledger: {
    what: "transfers of the ledger's posting against a plain TypeORM poster, in turns in one run",
    run: (place) => onPostgres('posting', place.size, place),
  },
  'ledger-growth': {
    what: 'posting and reads with a long history (--base, a million transfers) against a short one, in turns in one run',
    run: (place) => onPostgres('growth', String(place.base), place),
  },
  'ledger-processes': {
    what: 'posting by two processes against one, on the same accounts, in turns in one run',
    run: (place) => onPostgres('processes', place.size, place),
  },
  'ledger-proof': {
    what: 'posting with the hash chain against the same without its hashes, in turns in one run',
    run: (place) => onPostgres('proof-cost', place.size, place),
  },
  indexes: {
    what: 'every query that an index is there for, with it and without it, at 1e5 rows a table (full: 1e6), and whether it goes by it',
    run: (place) => onPostgres('indexes', place.size, place, join('tools', 'payflow')),
  },
  jobs: {
    what: 'background work through the queue, jobs that do nothing and jobs that change a row, and how soon they begin at 500 a second',
    run: (place) => onPostgres('jobs', place.size, place, join('tools', 'payflow')),
  },
  partitions: {
    what: 'date ranges on months of transfers against one table, at 1e6 rows (full: 1e7), and what inserting costs',
    run: (place) => onPostgres('partitions', place.size, place, join('tools', 'payflow')),
  },
};

const [name = '', ...rest] = process.argv.slice(2);
/** @param {string} name @param {string} usual */
const option = (name, usual) => (rest.includes(name) ? (rest[rest.indexOf(name) + 1] ?? '') : usual);
const size = option('--size', 'smoke');
const base = Number(option('--base', '1000000'));
const chosen = benchmarks[name];

if (chosen === undefined || !sizes.includes(size) || !Number.isSafeInteger(base) || base < 1) {
  for (const [each, { what }] of Object.entries(benchmarks)) console.log(`${each.padEnd(17)} ${what}`);
  console.log(`\nnpm run bench -- <name> [--size ${sizes.join('|')}] [--base transfers]`);
  process.exit(name === '' ? 0 : 1);
}
if (chosen.isAlone) process.exit(await chosen.run({ dir: paths.tests, env: {}, size, base }));
await onTestbed('bench', (place) => chosen.run({ ...place, size, base }));
