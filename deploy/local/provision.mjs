import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { findProgram, runLogged } from './commands.mjs';
import { PartFailure } from './failure.mjs';
import { startTimeOf } from './processes.mjs';

/** The folder of the whole checkout, and where it keeps local state. */
export const checkoutDir = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const defaultRoot = join(checkoutDir, '.payflow');

/**
 * Where a server's pid record goes. A test run sets PAYFLOW_RUN_DIR, so that whatever its tests start is stopped with it.
 * @param {string} dir  the server's own folder
 */
export function runDirFor(dir) {
  return process.env['PAYFLOW_RUN_DIR'] ?? dir;
}

/**
 * What every `ensure…` takes. Downloads live in `<root>/cache`, logs in `<root>/logs`.
 * @typedef {object} EnsureOptions
 * @property {string} [root]  the checkout's `.payflow` by default
 * @property {(message: string) => void} [onProgress]
 */

/**
 * A secret of this machine, made once and readable by its owner alone: whole in its file, or absent. Cut short by a full disk or a
 * kill it would be taken for one ever after.
 * @param {string} file @param {number} bytes @returns {string}
 */
export function secretIn(file, bytes) {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const unfinished = `${file}.${process.pid}.new`;
    writeFileSync(unfinished, randomBytes(bytes).toString('base64url'), { mode: 0o600 });
    renameSync(unfinished, file);
  }
  return readFileSync(file, 'utf8').trim();
}

const stampName = 'stamp.json';

/**
 * A folder that is complete or absent: built beside its place, stamped with what was built, then renamed into it. A run
 * that is killed half-way, or two runs at once, never leave a half-filled folder that looks whole.
 * @template {Record<string, string>} T
 * @param {{ dir: string, wanted: Record<string, string>, build: (into: string) => Promise<T> }} options  `wanted` is what
 *   must be stamped for the folder to be taken as it is; `build` answers with what else to stamp
 * @returns {Promise<{ dir: string, stamp: Record<string, string> & T, fresh: boolean }>}
 */
export async function provisioned({ dir, wanted, build }) {
  const found = readStamp(dir);
  if (found !== null && Object.entries(wanted).every(([key, value]) => found[key] === value)) {
    return { dir, stamp: /** @type {Record<string, string> & T} */ (found), fresh: false };
  }
  removeUnfinished(dir);
  const into = `${dir}.${process.pid}.new`;
  mkdirSync(into, { recursive: true });
  try {
    const stamp = { ...wanted, ...(await build(into)) };
    writeFileSync(join(into, stampName), `${JSON.stringify(stamp, null, 2)}\n`);
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dirname(dir), { recursive: true });
    renameSync(into, dir);
    return { dir, stamp, fresh: true };
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
}

/** What runs that were killed had begun to build. @param {string} dir */
function removeUnfinished(dir) {
  const prefix = `${basename(dir)}.`;
  for (const name of existsSync(dirname(dir)) ? readdirSync(dirname(dir)) : []) {
    const pid = name.startsWith(prefix) ? /^(\d+)\.new$/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid !== undefined && startTimeOf(Number(pid)) === null)
      rmSync(join(dirname(dir), name), { recursive: true, force: true });
  }
}

/** @param {string} dir @returns {Record<string, string> | null} */
export function readStamp(dir) {
  try {
    return JSON.parse(readFileSync(join(dir, stampName), 'utf8'));
  } catch {
    return null;
  }
}

/** One apt-get at a time: Kafka and Redis may both ask for packages in the same second. */
let lastInstall = Promise.resolve();

/**
 * Brings Debian packages where that needs nobody's consent (we are root and apt-get is there); else says the command.
 * @param {{ part: string, packages: readonly string[], root: string, onProgress?: ((message: string) => void) | undefined }} options
 */
export async function installSystemPackages({ part, packages, root, onProgress }) {
  const apt = findProgram('apt-get', ['/usr/bin']);
  const mend = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (apt === undefined || process.getuid?.() !== 0) {
    throw new PartFailure(
      part,
      `needs ${packages.join(' and ')}, which ${packages.length > 1 ? 'are' : 'is'} not on this machine`,
      {
        mend:
          apt === undefined
            ? `install ${packages.join(' and ')} with this system's package manager`
            : `sudo sh -c '${mend}'`,
      },
    );
  }
  const turn = lastInstall.then(async () => {
    onProgress?.(`installing ${packages.join(', ')} with apt-get`);
    const run = (/** @type {string[]} */ ...args) =>
      runLogged({
        part,
        command: apt,
        args: ['-y', '-q', '-o', 'DPkg::Lock::Timeout=300', ...args],
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
        logFile: join(root, 'logs', 'apt-get.log'),
        mend,
      });
    await run('update');
    await run('install', '--no-install-recommends', ...packages);
  });
  lastInstall = turn.catch(() => undefined);
  await turn;
}
