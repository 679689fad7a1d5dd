import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { runLogged } from '../commands.mjs';
import { PartFailure } from '../failure.mjs';
import { freePorts } from '../ports.mjs';
import { runDirFor, secretIn } from '../provision.mjs';
import { startServer } from '../server.mjs';
import { ensurePostgres } from './install.mjs';
import { reachableHome } from './user.mjs';
import { acceptsClients } from './wire.mjs';

export { ensurePostgres } from './install.mjs';
export { closedToPostgres, removeServerFolder } from './user.mjs';

/** @typedef {Record<string, string | number>} Settings */

/** @type {Settings} */
const everywhere = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 200,
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  random_page_cost: 1.1,
  jit: 'off',
  shared_preload_libraries: 'pg_stat_statements',
  // Those of `alter role … password` would be kept as they were typed.
  'pg_stat_statements.track_utility': 'off',
  track_io_timing: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] %q%u@%d ',
};

/** @type {Record<'durable' | 'test', Settings>} */
const byProfile = {
  durable: { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' },
  test: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
};

/**
 * A PostgreSQL server on loopback, with password authentication. `url` is the superuser's; its password is generated
 * once per `dir` and kept there, readable by its owner only.
 * @param {object} options
 * @param {string} options.dir  this server's own folder; started again on it, the server has its data back
 * @param {number} [options.port]  a free one by default
 * @param {'durable' | 'test'} [options.profile]  'durable' (default) keeps every safety on; 'test' does not wait for the disk
 * @param {Settings} [options.settings]  added to the profile's
 * @param {string} [options.from]  a folder whose `node_modules` has the programs
 * @param {string} [options.runDir]  where the pid record is written; see `runDirFor`
 * @param {string} [options.logFile]
 * @returns {Promise<import('../server.mjs').Server>}
 */
export async function startPostgres({
  dir,
  port,
  profile = 'durable',
  settings = {},
  from,
  runDir = runDirFor(dir),
  logFile = join(dir, 'postgres.log'),
}) {
  const install = await ensurePostgres(from === undefined ? {} : { from });
  mkdirSync(dir, { recursive: true });
  const home = reachableHome(dir, install.user);
  const password = secretIn(join(dir, 'superuser-password'), 24);
  const data = join(home, 'data');
  if (!existsSync(data)) await initialise({ install, home, data, password, profile, logFile });
  refuseOtherVersion(data, install.major);

  const chosen = port ?? (await freePorts(1))[0] ?? 0;
  const flags = Object.entries({ ...everywhere, ...byProfile[profile], ...settings, port: chosen }).flatMap(
    ([name, value]) => ['-c', `${name}=${value}`],
  );
  return startWhenFree({
    part: 'PostgreSQL',
    name: 'postgres',
    command: join(install.bin, 'postgres'),
    args: ['-D', data, ...flags],
    cwd: home,
    user: install.user,
    url: `postgres://postgres:${password}@127.0.0.1:${chosen}/postgres`,
    ports: { postgres: chosen },
    logFile,
    runDir,
    ready: () => acceptsClients(chosen),
    readyWithinMs: 60_000,
    // "Fast": roll back what is open and shut down; SIGTERM would wait for the last client to leave.
    stopSignal: 'SIGINT',
    mend: 'npm run reset, then start again, if the log says that the data folder is damaged',
  });
}

const crashedPredecessor = /shared memory block|lock file "postmaster\.pid" already exists/;
const predecessorGoneWithinMs = 10_000;

/**
 * After a kill -9 of the postmaster alone its last backends still hold the shared memory for a moment.
 * @param {import('../server.mjs').ServerSpec} spec
 */
async function startWhenFree(spec) {
  const deadline = Date.now() + predecessorGoneWithinMs;
  for (;;) {
    try {
      return await startServer(spec);
    } catch (error) {
      if (!(error instanceof PartFailure) || !crashedPredecessor.test(error.reason) || Date.now() > deadline)
        throw error;
      await delay(200);
    }
  }
}

/**
 * @param {{ install: import('./install.mjs').PostgresInstall, home: string, data: string, password: string,
 *   profile: 'durable' | 'test', logFile: string }} options
 */
async function initialise({ install, home, data, password, profile, logFile }) {
  mkdirSync(home, { recursive: true });
  const unfinished = `${data}.new`;
  const passwordFile = join(home, 'initdb-password');
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (install.user !== undefined) {
    chmodSync(home, 0o755);
    for (const path of [unfinished, passwordFile]) chownSync(path, install.user.uid, install.user.gid);
  }
  try {
    await runLogged({
      part: 'PostgreSQL',
      command: join(install.bin, 'initdb'),
      args: initdbArguments(unfinished, passwordFile, profile),
      cwd: home,
      user: install.user,
      logFile,
    });
    renameSync(unfinished, data);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** @param {string} data @param {string} passwordFile @param {'durable' | 'test'} profile */
function initdbArguments(data, passwordFile, profile) {
  return [
    `--pgdata=${data}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    // The built-in provider sorts by code point like "C" but knows upper and lower case, and no system library's
    // next version can change its order under an index.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    ...(profile === 'test' ? ['--no-sync'] : []),
  ];
}

/** @param {string} data @param {string} major */
function refuseOtherVersion(data, major) {
  const found = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  if (found === major) return;
  throw new PartFailure('PostgreSQL', `the data in ${data} was written by version ${found}, this is ${major}`, {
    mend: 'npm run reset',
  });
}
