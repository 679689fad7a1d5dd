import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { crashAt, isCrashArmed } from '@payflow/contracts';

/** The HTTP client tells when the whole of a request has been written to its socket. */
const SENT = 'undici:request:bodySent';

/** Makes the crash point `provider-after-send` of a call: it lies inside the connector, which knows nothing of it. */
export async function sending<T>(call: () => Promise<T>): Promise<T> {
  if (!isCrashArmed('provider-after-send')) return call();
  const onSent = (): void => crashAt('provider-after-send');
  subscribe(SENT, onSent);
  try {
    return await call();
  } finally {
    unsubscribe(SENT, onSent);
  }
}
