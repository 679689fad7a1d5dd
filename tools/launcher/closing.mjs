import { endCommands, stopRecorded } from './local-stack.mjs';

// npm passes a Ctrl-C on to us that the terminal has sent us already: the second one of a pair is not impatience.
const sameKeyPressMs = 1_500;

/**
 * Ends the process in order when a signal asks for it: commands at once, services drained, then servers. A second
 * signal, later on, does not wait for anything.
 * @param {{ runDir: string, say: (line: string) => void, before?: () => void, after?: () => Promise<void> | void }} options
 */
export function createClosing({ runDir, say, before, after }) {
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

  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      if (closing !== undefined && Date.now() - since > sameKeyPressMs) process.exit(1);
      if (closing !== undefined) return;
      since = Date.now();
      say('\nDraining the services, then stopping the servers …');
      begin().then(
        () => process.exit(0),
        (error) => {
          say(String(error));
          process.exit(1);
        },
      );
    });
  }
  return { begin, isClosing: () => closing !== undefined };
}
