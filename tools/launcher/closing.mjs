import { endCommands, killRecorded, stopRecorded } from './local-stack.mjs';

// npm passes a Ctrl-C on to us that the terminal has sent us already: the second one of a pair is not impatience.
const sameKeyPressMs = 1_500;

/**
 * Ends the process in order when a signal asks for it: commands at once, services drained, then servers. A second
 * signal, later on, does not wait for anything: what has not stopped by then is killed.
 * @param {{ runDir: string, say: (line: string) => void, before?: () => void, after?: () => Promise<void> | void,
 *   exitCode?: number }} options
 */
export function createClosing({ runDir, say, before, after, exitCode = 0 }) {
  /** @type {Promise<void> | undefined} */
  let closing;
  let since = 0;

  const close = async () => {
    before?.();
    endCommands();
    const stopped = await stopRecorded(runDir);
    if (stopped.length > 0) say(`Stopped: ${stopped.join(', ')}.`);
    await after?.();
  };
  const begin = () => (closing ??= close());

  const closeAndExit = () => {
    if (closing !== undefined) {
      if (Date.now() - since <= sameKeyPressMs) return;
      const killed = killRecorded(runDir);
      if (killed.length > 0) say(`Killed: ${killed.join(', ')}.`);
      process.exit(1);
    }
    since = Date.now();
    say('\nStopping what was started: services drain first, then the servers …');
    begin().then(
      () => process.exit(exitCode),
      (error) => {
        say(String(error));
        process.exit(1);
      },
    );
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, closeAndExit);
  outliveReaders();
  whenParentEnds(closeAndExit);
  return { begin, isClosing: () => closing !== undefined };
}

/** The same Ctrl-C ends `| tee`, and a terminal that is closed takes no line more: what was started is stopped all the same. */
function outliveReaders() {
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {});
}

const parentLookMs = 1_000;

/**
 * A SIGTERM sent to npm ends npm and its shell, and never reaches us: being orphaned by npm means the same.
 * @param {() => void} then
 */
function whenParentEnds(then) {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    then();
  }, parentLookMs);
  timer.unref();
}
