import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkoutDir, freePorts, serviceNodeArgs, startServer, type Server } from '@payflow/local-stack';
import type { Environment } from './service-process.js';

/** What both sides have where nothing else is said. */
const API_KEY = 'payflow-development-cards-api-key';
/** So that a call that is never answered is given up soon. */
const TIME_LIMIT = '1500ms';
const PROBE_TIMEOUT_MS = 1_000;

/** What an acquirer's books say of one payment, minor units as digits. */
export interface Booked {
  readonly captured: string;
  readonly refunded: string;
}

/** The sandbox as a process of its own: the outside of a house that takes cards. */
export class Acquirer {
  private constructor(
    readonly url: string,
    private readonly server: Server,
  ) {}

  static async open(dir: string, extra: Environment = {}): Promise<Acquirer> {
    const [port = 0] = await freePorts(1);
    const url = `http://127.0.0.1:${port}`;
    const logFile = join(dir, 'sandbox.log');
    mkdirSync(dirname(logFile), { recursive: true });
    closeSync(openSync(logFile, 'a'));
    const server = await startServer({
      part: 'sandbox',
      name: 'sandbox',
      role: 'service',
      command: process.execPath,
      args: [...serviceNodeArgs, join(checkoutDir, 'apps', 'sandbox', 'dist', 'main.js')],
      cwd: checkoutDir,
      env: {
        PATH: process.env['PATH'] ?? '',
        NODE_ENV: 'test',
        PORT: String(port),
        OTEL_TRACES_EXPORTER: 'none',
        ...extra,
      },
      url,
      ports: { http: port },
      logFile,
      runDir: process.env['PAYFLOW_RUN_DIR'] ?? dir,
      ready: () => isAnswering(url),
      graceMs: 5_000,
    });
    return new Acquirer(url, server);
  }

  /** What the payments service has to know to reach it. */
  get environment(): Environment {
    return { CARDS_URL: this.url, CARDS_API_KEY: API_KEY, CARDS_TIME_LIMIT: TIME_LIMIT };
  }

  /** Its own books of a payment in test mode; zeros where it never heard of it. */
  async booked(tenant: string, payment: string): Promise<Booked> {
    const reference = encodeURIComponent(`${tenant}/test/${payment}`);
    const { data } = await this.call<{ data: Booked[] }>(`/v1/books/${reference}`);
    const [{ captured, refunded } = { captured: '0', refunded: '0' }] = data;
    return { captured, refunded };
  }

  /** Whether its books are whole, and which payments it was made to grant twice. */
  check(): Promise<{ readonly balanced: boolean; readonly double_charges: readonly unknown[] }> {
    return this.call('/test/check');
  }

  /** What the customer does where they were sent. */
  async act(authorization: string, outcome: 'approve' | 'deny'): Promise<void> {
    await this.call(`/test/authorizations/${authorization}/action`, { outcome });
  }

  async close(): Promise<void> {
    await this.server.stop();
  }

  private async call<T>(path: string, body?: object): Promise<T> {
    const reply = await fetch(this.url + path, {
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });
    if (!reply.ok) throw new Error(`the acquirer answered ${path} with ${reply.status} ${await reply.text()}`);
    return (await reply.json()) as T;
  }
}

async function isAnswering(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })).ok;
  } catch {
    return false;
  }
}
