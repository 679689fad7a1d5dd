import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** @typedef {{ uid: number, gid: number }} User */

const elsewhereName = 'elsewhere.json';

/**
 * PostgreSQL refuses to run as root: the user it runs as instead, or undefined when we are not root.
 * @returns {User | undefined}
 */
export function databaseUser() {
  if (process.getuid?.() !== 0) return undefined;
  return accountOf('postgres') ?? accountOf('nobody') ?? { uid: 65_534, gid: 65_534 };
}

/** @param {string} name @returns {User | undefined} */
function accountOf(name) {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/**
 * The first folder on the way to `path` that the user may not pass; undefined when the way is open. A clone under
 * root's own 0700 home is the usual case.
 * @param {string} path @param {User | undefined} user
 * @returns {string | undefined}
 */
export function firstClosedFolder(path, user) {
  if (user === undefined) return undefined;
  const way = [];
  for (let folder = resolve(path); folder !== dirname(folder); folder = dirname(folder)) way.unshift(folder);
  return way.find((folder) => existsSync(folder) && !mayPass(folder, user));
}

/** @param {string} path @returns {string | undefined} the first folder on the way that PostgreSQL's user may not pass */
export function closedToPostgres(path) {
  return firstClosedFolder(path, databaseUser());
}

/** @param {string} folder @param {User} user */
function mayPass(folder, { uid, gid }) {
  const { mode, uid: owner, gid: group } = statSync(folder);
  if (owner === uid) return (mode & 0o100) !== 0;
  return (mode & (group === gid ? 0o010 : 0o001)) !== 0;
}

/**
 * The folder PostgreSQL's files live in: `dir` itself, or, where its user cannot get there, one that it can reach and
 * that `dir` remembers.
 * @param {string} dir @param {User | undefined} user
 * @returns {string}
 */
export function reachableHome(dir, user) {
  const remembered = elsewhereOf(dir);
  if (remembered !== undefined) return remembered;
  if (firstClosedFolder(dirname(resolve(dir)), user) === undefined) return dir;
  const home = join(openFolder(user), createHash('sha256').update(resolve(dir)).digest('hex').slice(0, 16));
  // Who deletes `dir` wants to begin anew: what it remembered, its password among it, went with it.
  rmSync(home, { recursive: true, force: true });
  writeFileSync(join(dir, elsewhereName), `${JSON.stringify({ home })}\n`);
  return home;
}

/** @param {User | undefined} user @returns {string} a folder of ours that outlives a reboot if possible, open to everybody */
export function openFolder(user) {
  for (const parent of ['/var/lib', tmpdir()]) {
    const folder = join(parent, 'payflow');
    try {
      mkdirSync(folder, { recursive: true, mode: 0o755 });
      if (firstClosedFolder(folder, user) === undefined) return folder;
    } catch {
      // Read-only here: the next one.
    }
  }
  throw new Error('neither /var/lib nor the temporary folder can be reached by another user');
}

/** @param {string} dir @returns {string | undefined} */
function elsewhereOf(dir) {
  try {
    return JSON.parse(readFileSync(join(dir, elsewhereName), 'utf8')).home;
  } catch {
    return undefined;
  }
}

/**
 * Removes a folder with servers' folders in it (or one such folder, or a file beside them), and what of them had to be put
 * elsewhere. Only for servers that do not run.
 * @param {string} dir
 */
export function removeServerFolder(dir) {
  for (const home of homesElsewhere(dir, 3)) rmSync(home, { recursive: true, force: true });
  rmSync(dir, { recursive: true, force: true });
}

/** @param {string} dir @param {number} depth @returns {string[]} */
function homesElsewhere(dir, depth) {
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return [];
  const here = elsewhereOf(dir);
  const folders = readdirSync(dir, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== 'data',
  );
  const below = depth === 0 ? [] : folders.flatMap((entry) => homesElsewhere(join(dir, entry.name), depth - 1));
  return here === undefined ? below : [here, ...below];
}
