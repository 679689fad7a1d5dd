import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 40;

/**
 * Polls a condition until it holds. A check that throws counts as "not yet"; its last message is in the error.
 * @param {() => Promise<boolean>} check
 * @param {{ withinMs: number, what: string, cancelled?: (() => boolean) | undefined }} options
 */
export async function waitFor(check, { withinMs, what, cancelled }) {
  const deadline = Date.now() + withinMs;
  let last = '';
  for (;;) {
    if (cancelled?.()) return;
    try {
      if (await check()) return;
    } catch (error) {
      last = error instanceof Error ? `: ${error.message || String(error)}` : '';
    }
    if (Date.now() >= deadline) throw new Error(`${what} not ready after ${Math.round(withinMs / 1000)} s${last}`);
    await delay(pollMs);
  }
}

/**
 * Sends one request to a local port and returns what came back once `complete` says it is enough.
 * @param {{ host?: string, port: number, request: Uint8Array | string, complete: (answer: Buffer) => boolean, withinMs?: number }} options
 * @returns {Promise<Buffer>}
 */
export function exchange({ host = '127.0.0.1', port, request, complete, withinMs = 1_000 }) {
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const socket = createConnection({ host, port });
    const fail = (/** @type {Error} */ error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(withinMs, () => fail(new Error(`no answer on port ${port}`)));
    socket.once('error', fail);
    socket.once('close', () => reject(new Error(`port ${port} closed the connection`)));
    socket.once('connect', () => socket.write(request));
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (!complete(answer)) return;
      resolve(answer);
      socket.destroy();
    });
  });
}

/**
 * Whether something accepts TCP connections there; for servers that are not ours, whose protocol may be inside TLS.
 * @param {string} host @param {number} port @param {number} [withinMs]
 * @returns {Promise<boolean>}
 */
export function canConnect(host, port, withinMs = 3_000) {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const end = (/** @type {boolean} */ connected) => {
      socket.destroy();
      resolve(connected);
    };
    socket.setTimeout(withinMs, () => end(false));
    socket.once('error', () => end(false));
    socket.once('connect', () => end(true));
  });
}
