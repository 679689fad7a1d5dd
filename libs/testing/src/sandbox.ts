import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkoutDir, freePorts, programOf, serviceNodeArgs, startServer, type Server } from '@payflow/local-stack';

export interface SandboxOptions {
  /** For its journal and its log; one of its own by default, which goes with it. */
  readonly dir?: string;
  readonly port?: number;
  readonly webhookUrl?: string;
  /** `SANDBOX_…` and what else it is to be told. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** What moved in one currency, as the sandbox says; sums are digits. */
export interface SandboxPage {
  readonly currency: string;
  readonly authorizations: number;
  readonly authorized: string;
  readonly captured: string;
  readonly refunded: string;
  readonly disputed: string;
  readonly dispute_reversed: string;
  readonly net: string;
}

/** What is set aside for a merchant reference, and neither captured nor given back. */
export interface SandboxStanding {
  readonly merchant_reference: string;
  readonly currency: string;
  readonly amount: string;
}

export interface SandboxCheck {
  readonly balanced: boolean;
  readonly problems: readonly string[];
  readonly double_charges: readonly string[];
  readonly standing: readonly SandboxStanding[];
  readonly operations: number;
  readonly books: readonly SandboxPage[];
}

/** What came in under one idempotency key. */
export interface SandboxRequests {
  readonly idempotency_key: string;
  readonly type: string;
  readonly received: number;
  readonly conflicts: number;
  readonly inquiries: number;
  readonly done: 0 | 1;
  /** How often the same was done, under whatever key. */
  readonly alike: number;
  readonly scenario: string | null;
}

export interface SandboxDispute {
  readonly id: string;
  readonly status: 'opened' | 'won' | 'lost';
  readonly authorization: string;
  readonly amount: { readonly value: string; readonly currency: string };
  readonly evidence: Readonly<Record<string, string>>;
}

export interface SandboxScenario {
  readonly token: string;
  /** The last four digits of an amount. */
  readonly amount_ending: string;
  readonly on: readonly string[];
  readonly summary: string;
}

export interface SandboxSettings {
  readonly latency_ms: number;
  readonly slow_ms: number;
  readonly late_ms: number;
  readonly silent: boolean;
  readonly rate_limit: { readonly per_second: number; readonly retry_after_s: number } | null;
  readonly chaos: number;
  /** Plays no scenario at all. */
  readonly plain: boolean;
}

const SECRET_BYTES = 24;
const GRACE_MS = 5_000;

/**
 * Starts the sandbox acquirer as `npm start` does, as a process that can be killed; its journal lets the next one go on. Wants the
 * workspace to be built.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = new Sandbox(options, options.port ?? (await freePorts(1))[0] ?? 0);
  await sandbox.start();
  return sandbox;
}

/** A sandbox and its test controls. */
export class Sandbox {
  readonly url: string;
  readonly apiKey = `sandbox-key-${randomBytes(SECRET_BYTES).toString('base64url')}`;
  readonly webhookSecret = `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
  readonly dir: string;
  private server: Server | undefined;

  constructor(
    private readonly options: SandboxOptions,
    private readonly port: number,
  ) {
    this.url = `http://127.0.0.1:${port}`;
    this.dir = options.dir ?? mkdtempSync(join(tmpdir(), 'payflow-sandbox-'));
  }

  get isStarted(): boolean {
    return this.server !== undefined;
  }

  get pid(): number {
    return this.server?.pid ?? 0;
  }

  /** For the services that talk to it. */
  get environment(): Readonly<Record<string, string>> {
    return { CARDS_URL: this.url, CARDS_API_KEY: this.apiKey, CARDS_WEBHOOK_SECRET: this.webhookSecret };
  }

  /** Starts it (again); with `extra` it is told something else than at first. */
  async start(extra: Readonly<Record<string, string>> = {}): Promise<void> {
    const { PATH, HOME, TZ } = process.env;
    const { webhookUrl, environment } = this.options;
    this.server = await startServer({
      part: 'sandbox',
      name: 'sandbox',
      role: 'service',
      command: process.execPath,
      args: [...serviceNodeArgs, programOf('sandbox')],
      cwd: checkoutDir,
      env: {
        PATH,
        HOME,
        TZ,
        NODE_ENV: 'test',
        PORT: String(this.port),
        OTEL_TRACES_EXPORTER: 'none',
        SANDBOX_API_KEY: this.apiKey,
        SANDBOX_WEBHOOK_SECRET: this.webhookSecret,
        SANDBOX_JOURNAL: join(this.dir, 'sandbox.ndjson'),
        ...(webhookUrl === undefined ? {} : { SANDBOX_WEBHOOK_URL: webhookUrl }),
        ...environment,
        ...extra,
      },
      url: this.url,
      ports: { http: this.port },
      logFile: join(this.dir, 'sandbox.log'),
      runDir: process.env['PAYFLOW_RUN_DIR'] ?? this.dir,
      ready: async () => (await fetch(`${this.url}/readyz`)).ok,
      graceMs: GRACE_MS,
    });
  }

  /** kill -9 */
  async kill(): Promise<void> {
    await this.server?.kill();
  }

  /** SIGTERM, and waits for its end. */
  async stop(): Promise<void> {
    await this.server?.stop();
    if (this.options.dir === undefined) rmSync(this.dir, { recursive: true, force: true });
  }

  /** All books, or those of one merchant reference. */
  async books(merchantReference?: string): Promise<readonly SandboxPage[]> {
    const path = merchantReference === undefined ? '' : `/${encodeURIComponent(merchantReference)}`;
    return (await this.get<{ data: SandboxPage[] }>(`/v1/books${path}`)).data;
  }

  /** Whether its books add up, and whoever was charged twice. */
  check(): Promise<SandboxCheck> {
    return this.get('/test/check');
  }

  /** What came in since it was started, under one key or all. */
  async requests(idempotencyKey?: string): Promise<readonly SandboxRequests[]> {
    const query = idempotencyKey === undefined ? '' : `?idempotency_key=${encodeURIComponent(idempotencyKey)}`;
    return (await this.get<{ data: SandboxRequests[] }>(`/test/requests${query}`)).data;
  }

  async webhooks(): Promise<readonly { id: string; type: string; attempts: number; status: string }[]> {
    return (
      await this.get<{ data: { id: string; type: string; attempts: number; status: string }[] }>('/test/webhooks')
    ).data;
  }

  /** Every scenario, with what chooses it and the operations it is for. */
  async scenarios(): Promise<readonly SandboxScenario[]> {
    return (await this.get<{ data: SandboxScenario[] }>('/test/scenarios')).data;
  }

  settings(change: Partial<SandboxSettings>): Promise<SandboxSettings> {
    return this.post('/test/settings', change);
  }

  /** The port is closed, and every connection, for so long. */
  async refuseConnections(for_ms: number): Promise<void> {
    await this.post('/test/refuse_connections', { for_ms });
  }

  /** `amount`: all that is left where it is not given. */
  openDispute(authorization: string, dispute: { amount?: string; reason?: string } = {}): Promise<SandboxDispute> {
    return this.post(`/test/authorizations/${authorization}/disputes`, dispute);
  }

  decideDispute(dispute: string, outcome: 'won' | 'lost'): Promise<SandboxDispute> {
    return this.post(`/test/disputes/${dispute}/decision`, { outcome });
  }

  /** What the customer does at the page they were sent to. `elsewhere`: the acquirer cannot go on with it, and another may. */
  async completeAction(authorization: string, outcome: 'approve' | 'deny' | 'elsewhere'): Promise<void> {
    await this.post(`/test/authorizations/${authorization}/action`, { outcome });
  }

  /** Forgets everything, and behaves as it was started. */
  async reset(): Promise<void> {
    await this.post('/test/reset', {});
  }

  private get<T>(path: string): Promise<T> {
    return this.call<T>(path, {});
  }

  private post<T>(path: string, body: object): Promise<T> {
    return this.call<T>(path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
  }

  private async call<T>(path: string, init: RequestInit): Promise<T> {
    const headers = { ...(init.headers as Record<string, string>), authorization: `Bearer ${this.apiKey}` };
    const answer = await fetch(this.url + path, { ...init, headers });
    if (!answer.ok) throw new Error(`the sandbox answers ${path} with ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }
}
