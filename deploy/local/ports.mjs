import { createServer } from 'node:net';

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
const highestMovedPort = 32_000;

/**
 * The table's ports, each moved to a free one where somebody else listens already.
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
  for (let port = wanted; port < highestMovedPort; port += moveStep) {
    if (!used.has(port) && (await isPortFree(port))) return port;
  }
  for (let port = (wanted % moveStep) + moveStep; port < highestMovedPort; port += 1) {
    if (!used.has(port) && (await isPortFree(port))) return port;
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

/**
 * Ports the system says are free, all different (they are held open until the last one is known).
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function freePorts(count) {
  const held = await Promise.all(Array.from({ length: count }, holdAnyPort));
  await Promise.all(held.map(({ release }) => release()));
  return held.map(({ port }) => port);
}

/** @returns {Promise<{ port: number, release: () => Promise<void> }>} */
function holdAnyPort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port: 0, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') return reject(new Error('no address for a listening port'));
      resolve({ port: address.port, release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}
