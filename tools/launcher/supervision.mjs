import { setTimeout as delay } from 'node:timers/promises';

import { describeExit, lastLines, messageOf } from './local-stack.mjs';
import { dim, red, shown, yellow } from './screen.mjs';

const firstBackOffMs = 1_000;
const longestBackOffMs = 30_000;
// One that has run this long has recovered: its next fault starts with a short back-off again.
const steadyAfterMs = 60_000;
const shownLineLength = 300;

/**
 * Watches a process to its end and starts it again, for as long as we are not closing.
 * @param {object} options
 * @param {string} options.name
 * @param {import('./local-stack.mjs').Server} options.server
 * @param {() => Promise<import('./local-stack.mjs').Server>} options.start
 * @param {() => boolean} options.isClosing
 * @param {(line: string) => void} options.say
 */
export async function superviseServer({ name, server, start, isClosing, say }) {
  let current = server;
  let backOffMs = firstBackOffMs;
  for (;;) {
    const since = Date.now();
    const exit = await current.exited;
    if (isClosing()) return;
    if (Date.now() - since > steadyAfterMs) backOffMs = firstBackOffMs;
    say(`${red(`✗ ${name} has ended`)} (${describeExit(exit)}); log: ${shown(current.logFile)}`);
    for (const line of lastLines(current.logFile, 4)) say(dim(`    ${line.slice(0, shownLineLength)}`));
    const next = await startAgain({ name, start, isClosing, say, backOffMs });
    if (next === null) return;
    current = next;
    backOffMs = Math.min(backOffMs * 2, longestBackOffMs);
  }
}

/**
 * @param {{ name: string, start: () => Promise<import('./local-stack.mjs').Server>, isClosing: () => boolean,
 *   say: (line: string) => void, backOffMs: number }} options
 */
async function startAgain({ name, start, isClosing, say, backOffMs }) {
  for (let waitMs = backOffMs; ; waitMs = Math.min(waitMs * 2, longestBackOffMs)) {
    say(yellow(`  ${name} is started again in ${waitMs / 1000} s`));
    await delay(waitMs);
    if (isClosing()) return null;
    try {
      const server = await start();
      say(`  ${name} is back (pid ${server.pid})`);
      return server;
    } catch (error) {
      if (isClosing()) return null;
      say(red(`  ${messageOf(error)}`));
    }
  }
}
