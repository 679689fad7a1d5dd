/** Where `CRASH_AT=<name>` ends the process with SIGKILL, right after the step the name says. Only with `NODE_ENV=test`. */
export const CRASH_POINTS = [
  'idempotency-insert',
  'payment-insert',
  'outbox-insert',
  'commit-sent',
  'commit-acknowledged',
  'reply-written',
  'relay-claim',
  'produce-sent',
  'produce-acknowledged',
  'outbox-mark',
  'record-received',
  'inbox-insert',
  'effect',
  'batch-commit',
  'offset-commit',
  'cache-written',
  'shutdown-drain',
  'provider-before-send',
  'provider-after-send',
  'provider-after-answer',
  'provider-after-commit',
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];

const [armed, countdown] = armedCrash(process.env);
let remaining = countdown;

/** Whether `CRASH_AT` names this point: for one that takes something to be noticed. */
export function isCrashArmed(point: CrashPoint): boolean {
  return point === armed;
}

/** Ends the process with SIGKILL when `CRASH_AT` names this point (`CRASH_AT=batch-commit:3`: at the third passage). */
export function crashAt(point: CrashPoint): void {
  if (point !== armed || --remaining > 0) return;
  process.kill(process.pid, 'SIGKILL');
  // The signal is delivered at once, but not before this call returns: nothing after the point may run.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function armedCrash(env: NodeJS.ProcessEnv): [string | undefined, number] {
  if (env['NODE_ENV'] !== 'test' || !env['CRASH_AT']) return [undefined, 0];
  const [point, passage] = env['CRASH_AT'].split(':');
  return [point, Number(passage ?? 1)];
}
