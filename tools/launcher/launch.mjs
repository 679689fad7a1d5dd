import { createClosing } from './closing.mjs';
import { paths } from './checkout.mjs';
import { takeOver, unregisterLauncher } from './left-overs.mjs';
import { choosePorts, recordCommandsIn } from './local-stack.mjs';
import { holderOf } from './port-holders.mjs';
import { createProgress } from './progress.mjs';
import { superviseServer } from './supervision.mjs';

/**
 * One run of `npm start`: what its parts share.
 * @typedef {object} Launch
 * @property {import('./progress.mjs').Progress} progress
 * @property {Record<import('./local-stack.mjs').PortName, number>} ports
 * @property {() => void} becameCold  something had to be downloaded, installed or built
 * @property {() => boolean} isCold
 * @property {(name: string, server: import('./local-stack.mjs').Server, start: () => Promise<import('./local-stack.mjs').Server>) => void} supervise
 * @property {() => boolean} isClosing
 * @property {() => Promise<void>} close
 * @property {(work: () => void) => void} onClose
 */

/** @returns {Promise<Launch>} */
export async function beginLaunch() {
  const progress = createProgress();
  let cold = false;
  /** @type {(() => void)[]} */
  const atClose = [];
  const closing = createClosing({
    runDir: paths.run,
    say: (line) => progress.say(line),
    before: () => {
      progress.end();
      for (const work of atClose) work();
    },
    after: () => unregisterLauncher(paths.run),
  });
  const stopped = await takeOver();
  recordCommandsIn(paths.run);
  if (stopped.length > 0) progress.say(`An earlier launcher was killed: stopped what it left (${stopped.join(', ')}).`);
  const { ports, moved } = await choosePorts();
  for (const { name, wanted, got } of moved)
    progress.say(`Port ${wanted} (${name}) is taken by ${holderOf(wanted)}: using ${got}.`);
  return {
    progress,
    ports,
    becameCold: () => void (cold = true),
    isCold: () => cold,
    isClosing: closing.isClosing,
    close: closing.begin,
    onClose: (work) => void atClose.push(work),
    supervise: (name, server, start) => {
      void superviseServer({ name, server, start, isClosing: closing.isClosing, say: (line) => progress.say(line) });
    },
  };
}
