import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Every port of the local stack, in one place. A taken one is moved by `choosePorts`, never shared. */
export const portTable = Object.freeze({
  api: 3000,
  payments: 3001,
  ledger: 3002,
  archiver: 3003,
  monitoring: 3004,
  sandbox: 3010,
  kafka: 19092,
  kafkaController: 19093,
  postgres: 15432,
  redis: 16379,
  jaegerUi: 16686,
  jaegerThrift: 14268,
  otlpHttp: 4318,
});

/** @typedef {keyof typeof portTable} PortName */
/** @typedef {{ name: PortName, wanted: number, got: number }} MovedPort */

// 13000, 23000, ...: easy to recognise, and below 32768, where Linux starts to hand out ports to clients.
const moveStep = 10_000;
const portsEnd = 32_000;

/**
 * The table's ports, each moved to a free one where somebody else listens already, or has chosen it and is about to.
 * @param {readonly PortName[]} [names]  all by default
 * @returns {Promise<{ ports: Record<PortName, number>, moved: MovedPort[] }>}
 */
export async function choosePorts(names = /** @type {PortName[]} */ (Object.keys(portTable))) {
  /** @type {Record<PortName, number>} */
  const ports = { ...portTable };
  /** @type {MovedPort[]} */
  const moved = [];
  const used = new Set();
  for (const name of names) {
    const got = await firstFree(portTable[name], used);
    used.add(got);
    ports[name] = got;
    if (got !== portTable[name]) moved.push({ name, wanted: portTable[name], got });
  }
  return { ports, moved };
}

/** @param {number} wanted @param {Set<unknown>} used @returns {Promise<number>} */
async function firstFree(wanted, used) {
  const isOurs = async (/** @type {number} */ port) => !used.has(port) && take(port) && (await isPortFree(port));
  mkdirSync(claimsDir, { recursive: true });
  for (let port = wanted; port < portsEnd; port += moveStep) {
    if (await isOurs(port)) return port;
  }
  for (let port = (wanted % moveStep) + moveStep; port < portsEnd; port += 1) {
    if (await isOurs(port)) return port;
  }
  throw new Error(`no free port near ${wanted}`);
}

/**
 * Free means free for everybody: neither loopback nor the wildcard address is listened on.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export async function isPortFree(port) {
  return (await canListen(port, '127.0.0.1')) && (await canListen(port, '::'));
}

/** @param {number} port @param {string} host @returns {Promise<boolean>} */
function canListen(port, host) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (/** @type {NodeJS.ErrnoException} */ error) =>
      resolve(error.code !== 'EADDRINUSE' && error.code !== 'EACCES'),
    );
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

// Below what Linux hands out to clients: a connection of anybody's would take a port before the one who is to listen there has started.
const lowestFreePort = 20_000;
const claimsDir = join(tmpdir(), `payflow-ports-${process.getuid?.() ?? 'all'}`);

/**
 * Ports that nobody listens on, all different, and nobody else's who asks here while this process lives: between being told a port
 * and listening on it a server takes seconds, and one that is killed and comes back finds its own again.
 * @param {number} count
 * @param {number} [first]  from there on; by default from anywhere, so that who asks at the same time does not go through the same ones
 * @returns {Promise<number[]>}
 */
export async function freePorts(count, first = randomInt(lowestFreePort, portsEnd)) {
  mkdirSync(claimsDir, { recursive: true });
  /** @type {number[]} */
  const ports = [];
  const range = portsEnd - lowestFreePort;
  for (let at = 0; at < range && ports.length < count; at += 1) {
    const port = lowestFreePort + ((first - lowestFreePort + at) % range);
    if (!isClaimedHere(port) && claim(port) && (await isPortFree(port))) ports.push(port);
  }
  if (ports.length < count) throw new Error(`no ${count} free ports from ${lowestFreePort} to ${portsEnd}`);
  return ports;
}

/** @type {Set<string>} */
const claims = new Set();

/** @param {number} port */
const claimOf = (port) => join(claimsDir, String(port));
/** @param {number} port */
const isClaimedHere = (port) => claims.has(claimOf(port));

/** A certain one, of which what a dead process left is taken over: the second try finds it tidied up. @param {number} port */
const take = (port) => isClaimedHere(port) || claim(port) || claim(port);

/** @param {number} port @returns {boolean} whether it is this process's now */
function claim(port) {
  const file = claimOf(port);
  if (isClaimed(file)) return false;
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  if (claims.size === 0) process.once('exit', () => claims.forEach((each) => rmSync(each, { force: true })));
  claims.add(file);
  return true;
}

/**
 * What a dead process left is tidied up, for who asks next: not by who takes it, or two who find it at once could both.
 * @param {string} file @returns {boolean}
 */
function isClaimed(file) {
  try {
    process.kill(Number(readFileSync(file, 'utf8')), 0);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    if (codeOf(error) === 'ESRCH') rmSync(file, { force: true });
    return true;
  }
}

/** @param {unknown} error */
const codeOf = (error) => /** @type {NodeJS.ErrnoException} */ (error).code;
