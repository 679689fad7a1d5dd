import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Told {
  readonly id: string;
  readonly isSignedBy: (secret: string) => boolean;
  readonly at_s: number;
  readonly type: string;
  readonly data: {
    readonly status: string;
    readonly merchant_reference: string;
    readonly idempotency_key: string | null;
    readonly id: string;
    readonly captured?: { readonly value: string };
  };
}

/** The merchant's side of webhooks: keeps what it is told, and says no as often as it is asked to. */
export class MerchantServer {
  readonly told: Told[] = [];
  /** How many of the next are answered with 503. */
  refuseNext = 0;
  refused = 0;
  private readonly server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (this.refuseNext > 0) {
        this.refuseNext -= 1;
        this.refused += 1;
        return response.writeHead(503).end();
      }
      this.told.push(readWebhook(request.headers, Buffer.concat(chunks)));
      return response.writeHead(204).end();
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/webhooks`;
  }

  about(reference: string): readonly Told[] {
    return this.told.filter(({ data }) => data.merchant_reference === reference);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function readWebhook(headers: IncomingHttpHeaders, body: Buffer): Told {
  const [id, at, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    String(headers[name]),
  );
  const isSignedBy = (secret: string) => {
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
    const wanted = `v1,${createHmac('sha256', key).update(`${id}.${at}.${body.toString()}`).digest('base64')}`;
    return signature?.length === wanted.length && timingSafeEqual(Buffer.from(signature), Buffer.from(wanted));
  };
  return {
    id: id ?? '',
    at_s: Number(at),
    isSignedBy,
    ...(JSON.parse(body.toString()) as Pick<Told, 'type' | 'data'>),
  };
}
