import { createHmac, timingSafeEqual } from 'node:crypto';
import { credential, type Field } from '@payflow/service';

/** What Standard Webhooks call the message: its number, when it was sent, and its exact bytes. */
export interface SignedWebhook {
  readonly id: string;
  readonly timestamp_s: number;
}

type Headers = Readonly<Record<string, string | undefined>>;

/** Either way: the sender's clock may be ahead as well as behind. */
const WINDOW_S = 300;
const ID_PATTERN = /^[\x21-\x7e]{1,255}$/;
const TIMESTAMP_PATTERN = /^[0-9]{1,12}$/;
/** A sender that rotates its secret signs with both; who sends more wants us to compute. */
const SIGNATURES_MAX = 8;
const SIGNATURE_BYTES = 32;
const MS_PER_S = 1_000;
const SECRET_PATTERN = /^whsec_[A-Za-z0-9+/]{32,128}={0,2}$/;

/** The key that a `whsec_…` stands for. */
export function signingKey(secret: string): Buffer {
  return Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
}

/** A variable that holds a secret of Standard Webhooks. */
export function webhookSecret(description: string): Field<string | undefined> {
  const field = credential({ default: null, description });
  return {
    ...field,
    parse: (text) => (SECRET_PATTERN.test(text) ? { value: text } : { problem: 'must be whsec_ and a key in base64' }),
  };
}

/**
 * Checks a webhook by Standard Webhooks 1.0: `v1,<base64 HMAC-SHA256>` over `id.timestamp.body`, any of its signatures by any
 * of our keys, not older or newer than five minutes. Undefined when it is not the provider's, whatever is wrong with it.
 */
export function signedWebhook(
  headers: Headers,
  body: Buffer,
  keys: readonly Buffer[],
  now: Date,
): SignedWebhook | undefined {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (!id || !timestamp || !signatures || !ID_PATTERN.test(id) || !TIMESTAMP_PATTERN.test(timestamp)) return undefined;
  const timestamp_s = Number(timestamp);
  if (Math.abs(now.getTime() / MS_PER_S - timestamp_s) > WINDOW_S) return undefined;
  const told = signatures.split(' ', SIGNATURES_MAX).flatMap(signatureOf);
  const expected = keys.map((key) => createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest());
  // Every pair is compared, so that the time it takes tells nothing of which one was nearly right.
  const matches = expected.flatMap((ours) => told.filter((theirs) => timingSafeEqual(ours, theirs)));
  return matches.length > 0 ? { id, timestamp_s } : undefined;
}

function signatureOf(text: string): Buffer[] {
  if (!text.startsWith('v1,')) return [];
  const bytes = Buffer.from(text.slice(3), 'base64');
  return bytes.length === SIGNATURE_BYTES ? [bytes] : [];
}
