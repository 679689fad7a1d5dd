import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { logOf, paths } from './checkout.mjs';
import { otherLauncher } from './left-overs.mjs';
import { PartFailure, isRunning, runLogged, startTimeOf } from './local-stack.mjs';

const lockFile = join(paths.root, 'package-lock.json');
/** What npm writes once it has installed all, and takes away before it begins. */
const installedFile = join(paths.modules, '.package-lock.json');
const stampFile = join(paths.state, 'stamps', 'packages');
/** Who installs: two at once, `npm start` and `npm test`, would delete and fill one folder. */
const installerFile = join(paths.state, 'installer.json');
const installerLookMs = 250;

/**
 * Installs what the lock file says, unless that has been done for this very lock file.
 * @param {(message: string) => void} onProgress
 * @returns {Promise<'present' | 'installed'>}
 */
export async function ensurePackages(onProgress) {
  if (!existsSync(lockFile))
    throw new PartFailure('packages', 'there is no package-lock.json', { mend: 'npm install' });
  if (arePresent()) return 'present';
  await becomeInstaller(onProgress);
  try {
    if (arePresent()) return 'present';
    refuseUnderServices();
    onProgress('npm ci');
    await runNpm('packages', INSTALL, 'npm ci, which says more');
    remember();
    return 'installed';
  } finally {
    rmSync(installerFile, { force: true });
  }
}

/** Scripts are run, whatever the user's own settings say: which of them, the list in package.json says. */
const INSTALL = ['ci', '--include=dev', '--include=optional', '--ignore-scripts=false', '--no-audit', '--no-fund'];

function arePresent() {
  if (!existsSync(installedFile) || !(readIfThere(stampFile) === stamp() || agreesWithLock())) return false;
  remember();
  return true;
}

/** Waits until nobody else installs. @param {(message: string) => void} onProgress */
async function becomeInstaller(onProgress) {
  mkdirSync(dirname(installerFile), { recursive: true });
  const ours = JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) });
  for (;;) {
    try {
      return writeFileSync(installerFile, ours, { flag: 'wx' });
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    const other = installer();
    if (other === undefined) rmSync(installerFile, { force: true });
    else onProgress(`waiting for the npm ci of another run (pid ${other.pid})`);
    await delay(installerLookMs);
  }
}

/** @returns {{ pid: number, startTime: string } | undefined} who installs, and is alive */
function installer() {
  try {
    const found = JSON.parse(readIfThere(installerFile) ?? '');
    return isRunning(found) ? found : undefined;
  } catch {
    // Being written, or taken away just now.
    return undefined;
  }
}

/** What runs would lose its Node, and PostgreSQL its libraries, while they are put there anew. */
function refuseUnderServices() {
  const running = existsSync(installedFile) ? otherLauncher(paths.run) : undefined;
  if (running === undefined) return;
  throw new PartFailure(
    'packages',
    `package-lock.json has changed, and PayFlow runs from these packages (pid ${running.pid})`,
    {
      mend: `press Ctrl-C there, or: kill ${running.pid}, and start again here`,
    },
  );
}

/**
 * The npm that runs us, with the Node it runs on: after an install the first `node` on npm's PATH is another one.
 * @returns {{ command: string, first: string[] }}
 */
export function npmCommand() {
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  return npm !== undefined && node !== undefined && existsSync(npm) && existsSync(node) && npm.endsWith('.js')
    ? { command: node, first: [npm] }
    : { command: 'npm', first: [] };
}

/** @param {string} part @param {string[]} args @param {string} mend */
async function runNpm(part, args, mend) {
  const { command, first } = npmCommand();
  await runLogged({ part, command, args: [...first, ...args], cwd: paths.root, logFile: logOf('packages'), mend });
}

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, link?: boolean }} LockedPackage */

/** True when somebody ran npm by hand: what npm wrote into node_modules is what the lock file says. */
function agreesWithLock() {
  const locked = packagesIn(lockFile);
  const present = packagesIn(installedFile);
  return Object.entries(locked).every(([path, wanted]) => {
    if (!path.startsWith('node_modules/') || wanted.link === true) return true;
    const found = present[path];
    // A package for another platform is locked, and rightly absent.
    if (found === undefined) return wanted.optional === true;
    return found.version === wanted.version && found.integrity === wanted.integrity;
  });
}

/** @param {string} file @returns {Record<string, LockedPackage>} */
function packagesIn(file) {
  return JSON.parse(readIfThere(file) ?? '{}').packages ?? {};
}

/** What is wanted and what is there, both: who runs npm by hand may install less, or be stopped half-way. */
function stamp() {
  const hash = createHash('sha256').update(readFileSync(lockFile));
  return hash.update(readIfThere(installedFile) ?? '').digest('hex');
}

function remember() {
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, stamp());
}

/** @param {string} file @returns {string | null} */
function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}
