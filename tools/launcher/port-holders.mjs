import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

const listening = '0A';

/**
 * Who listens on a port, in words: "pid 812 (postgres)". Linux only; elsewhere, or without the right to look, "another
 * process".
 * @param {number} port
 * @returns {string}
 */
export function holderOf(port) {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => inodesListeningOn(table, port)));
  const pid = inodes.size === 0 ? undefined : processes().find((candidate) => holdsAny(candidate, inodes));
  return pid === undefined ? 'another process' : `pid ${pid} (${commandOf(pid)})`;
}

/** @param {string} table @param {number} port @returns {string[]} */
function inodesListeningOn(table, port) {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return textOf(table)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(wanted) === true && fields[3] === listening)
    .map((fields) => fields[9] ?? '');
}

function processes() {
  try {
    return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  } catch {
    return [];
  }
}

/** @param {string} pid @param {Set<string>} inodes */
function holdsAny(pid, inodes) {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) =>
      inodes.has(socketInode(`/proc/${pid}/fd/${descriptor}`)),
    );
  } catch {
    return false;
  }
}

/** @param {string} link */
function socketInode(link) {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1] ?? '';
  } catch {
    return '';
  }
}

/** @param {string} pid */
function commandOf(pid) {
  return textOf(`/proc/${pid}/comm`).trim() || 'unknown';
}

/** @param {string} file */
function textOf(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
