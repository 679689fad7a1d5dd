import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Notice, WebhookReader } from '@payflow/connectors';

const SECRET = Buffer.from('a secret that only the provider and we know');
const TOLERANCE_S = 300;

/** The headers of a webhook that the provider of the specs has signed: Standard Webhooks. */
export function signed(
  body: string | Buffer,
  { id, at = new Date() }: { id: string; at?: Date },
): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature(id, timestamp, Buffer.from(body)).toString('base64')}`,
  };
}

/** Reads the webhooks of that provider: their body is the notice itself, but for its id. */
export const specReader: WebhookReader = {
  read(headers, body, now): Notice | null | undefined {
    const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '', 'webhook-signature': given = '' } = headers;
    if (Math.abs(now.getTime() / 1_000 - Number(timestamp)) > TOLERANCE_S || timestamp === '') return undefined;
    const right = signature(id, timestamp, body);
    const told = Buffer.from(given.replace(/^v1,/, ''), 'base64');
    if (told.length !== right.length || !timingSafeEqual(told, right)) return undefined;
    const content = JSON.parse(body.toString('utf8')) as Partial<Notice> & { nothing?: true };
    return content.nothing ? null : ({ ...content, id } as Notice);
  },
};

function signature(id: string, timestamp: string, body: Buffer): Buffer {
  return createHmac('sha256', SECRET).update(`${id}.${timestamp}.`).update(body).digest();
}
