import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { crashAt, isCrashArmed } from '@payflow/contracts';

/** The HTTP client tells when the whole of a request has been written to its socket. */
const SENT = 'undici:request:bodySent';

/** The crash points of every call to a provider, up to its answer: what is asked, an inquiry, a look at a dispute. */
export async function sending<T>(call: () => Promise<T>): Promise<T> {
  crashAt('provider-before-send');
  const answer = await (isCrashArmed('provider-after-send') ? seenSent(call) : call());
  crashAt('provider-after-answer');
  return answer;
}

/** `provider-after-send` lies inside the connector, which knows nothing of it. */
async function seenSent<T>(call: () => Promise<T>): Promise<T> {
  const onSent = (): void => crashAt('provider-after-send');
  subscribe(SENT, onSent);
  try {
    return await call();
  } finally {
    unsubscribe(SENT, onSent);
  }
}
