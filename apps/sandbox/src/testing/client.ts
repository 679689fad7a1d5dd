import { Agent, request } from 'undici';
import type { Sandbox } from '@payflow/testing';

export interface Reply {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Body;
}

/** The members that specs look at, of whatever was answered. */
export interface Body {
  readonly id: string;
  readonly status: string | number;
  readonly code: string;
  readonly decline_code: string | null;
  readonly can_retry_elsewhere: boolean;
  readonly type: string;
  readonly action: { readonly url: string } | null;
  readonly captured: { readonly value: string };
  readonly authorization: Body;
  readonly data: readonly Body[];
}

export interface Sent {
  readonly key?: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** As it is sent; an object as JSON. */
  readonly body?: object | string;
  /** When the caller has waited enough. */
  readonly patience_ms?: number;
}

let keys = 0;
/** A key, or a merchant reference, that was not used before. */
export const fresh = (name = 'key') => `${name}_${process.pid}_${(keys += 1)}`;

export const usd = (value: string) => ({ value, currency: 'USD' });

/** A merchant's side of the API, over kept connections. */
export class Client {
  private readonly agent = new Agent({ connections: 64 });

  constructor(private readonly sandbox: Sandbox) {}

  /** One request and what came back. Throws where nothing did. */
  async send(path: string, { key, method = 'POST', headers = {}, body, patience_ms = 20_000 }: Sent): Promise<Reply> {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await request(this.sandbox.url + path, {
      method,
      dispatcher: this.agent,
      headers: {
        authorization: `Bearer ${this.sandbox.apiKey}`,
        ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...headers,
      },
      ...(text === undefined ? {} : { body: text }),
      signal: AbortSignal.timeout(patience_ms),
    });
    const content = await answer.body.text();
    const isJson = String(answer.headers['content-type']).includes('json');
    return {
      status: answer.statusCode,
      text: content,
      headers: answer.headers,
      body: (isJson ? JSON.parse(content) : {}) as Body,
    };
  }

  /** What was said, and "nothing" where nothing was. */
  async outcome(path: string, sent: Sent): Promise<Reply | 'nothing'> {
    return this.send(path, sent).catch(() => 'nothing');
  }

  get(path: string): Promise<Reply> {
    return this.send(path, { method: 'GET' });
  }

  authorize(token: string, given: { key?: string; amount?: string; capture?: boolean; reference?: string } = {}) {
    const { key = fresh(), amount = '1999', capture = false, reference = fresh('t/test/pay') } = given;
    const body = { merchant_reference: reference, amount: usd(amount), token, capture };
    return { key, reference, path: '/v1/authorizations', sent: { key, body } };
  }

  /** An authorization, granted. */
  async granted(token = 'tok_visa', capture = false, amount = '1999'): Promise<{ id: string; reference: string }> {
    const { path, sent, reference } = this.authorize(token, { capture, amount });
    return { id: (await this.send(path, sent)).body.id, reference };
  }

  async inquire(key: string): Promise<Body | undefined> {
    return (await this.get(`/v1/operations?idempotency_key=${key}`)).body.data[0];
  }

  close(): Promise<void> {
    return this.agent.destroy();
  }
}
