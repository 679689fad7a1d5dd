import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '@payflow/contracts';
import { uniqueSuffix } from '@payflow/testing';
import { Pool } from 'undici';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';
import { Random } from '../house/random.js';
import { scratchDir } from '../house/scratch.js';
import { startOwnServers } from '../house/servers.js';
import { brokenBooks } from './pipeline-books.js';
import { saveResult } from './result.js';
import { figuresOf, KINDS, LIMITS, missedBy, type Asked, type Figures, type Kind } from './users-figures.js';

/**
 * People who look at accounts and pay, twenty at first, then fifty, then a hundred: each asks, waits for the answer, and thinks. The
 * same as `deploy/k6/users.js`, for who has no k6. Ends with 1 when a figure is missed or the books are not in order.
 */
const SIZES = { smoke: { seconds: 10, warmUp_s: 5 }, full: { seconds: 60, warmUp_s: 20 } };
const STAGES = [20, 50, 100] as const;
/** Between two things that somebody asks for, ms. */
const THINKING = { least: 100, span: 100 };
const ACCOUNTS = 200;
const SOCKETS_MAX = 128;

async function main(size: keyof typeof SIZES): Promise<boolean> {
  const servers = await startOwnServers({ dir: scratchDir(`users_${uniqueSuffix()}`), profile: 'durable' });
  let house: House | undefined;
  try {
    house = await House.open({ name: 'users', servers: servers.urls, disposable: true });
    return await measureHouse(house, size);
  } catch (error) {
    house?.keepLogs();
    throw error;
  } finally {
    await house?.close();
    await servers.stop();
  }
}

async function measureHouse(house: House, size: keyof typeof SIZES): Promise<boolean> {
  const { seconds, warmUp_s } = SIZES[size];
  const merchant = await Merchant.open(house.databases, house.api, ACCOUNTS);
  const pool = new Pool(house.api, { connections: SOCKETS_MAX });
  const crowd = new Crowd(pool, merchant);
  await crowd.stage(STAGES[0], warmUp_s);
  const stages: { users: number; figures: Figures }[] = [];
  const all: Asked[] = [];
  for (const users of STAGES) {
    const asked = await crowd.stage(users, seconds);
    all.push(...asked);
    stages.push({ users, figures: figuresOf(asked, seconds) });
  }
  await pool.close();
  merchant.close();
  const overall = figuresOf(all, seconds * STAGES.length);
  const missed = missedBy(overall);
  const broken = await brokenBooks(house, crowd.paid);
  report(stages, overall, missed, broken);
  saveResult('users', size, { stages, overall, missed, broken });
  return missed.length + broken.length === 0;
}

class Crowd {
  /** Payments that were acknowledged. */
  readonly paid: string[] = [];
  private readonly random = new Random(7);

  constructor(
    private readonly pool: Pool,
    private readonly merchant: Merchant,
  ) {}

  /** So many users at once, for so long. */
  async stage(users: number, seconds: number): Promise<Asked[]> {
    const asked: Asked[] = [];
    const end = performance.now() + seconds * 1_000;
    await Promise.all(Array.from({ length: users }, () => this.user(asked, end)));
    return asked;
  }

  private async user(asked: Asked[], end: number): Promise<void> {
    // They do not all come at the same moment.
    await delay(this.random.below(THINKING.least + THINKING.span));
    while (performance.now() < end) {
      const [one, other] = this.random.pair(this.merchant.accounts);
      await this.ask(asked, 'health', '/health');
      await this.ask(asked, 'accounts', `/api/v1/accounts/${one}`);
      await this.ask(asked, 'transactions', `/api/v1/accounts/${one}/transfers?limit=20`);
      await this.pay(asked, one, other);
    }
  }

  private async pay(asked: Asked[], source: string, destination: string): Promise<void> {
    const id = newId('payment');
    const amount = String(1 + this.random.below(1_000));
    const body = JSON.stringify({ id, source, destination, amount, asset: 'USD', method: { type: 'internal' } });
    const status = await this.ask(asked, 'payments', '/api/v1/payments', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': id },
      body,
    });
    if (status < 300) this.paid.push(id);
  }

  private async ask(
    asked: Asked[],
    kind: Kind,
    path: string,
    { headers, ...options }: { method?: 'POST'; headers?: Record<string, string>; body?: string } = {},
  ): Promise<number> {
    const begun = performance.now();
    const status = await this.pool
      .request({
        method: 'GET',
        path,
        headers: { authorization: `Bearer ${this.merchant.apiKey}`, ...headers },
        ...options,
      })
      .then(async ({ statusCode, body }) => {
        await body.dump();
        return statusCode;
      })
      .catch(() => 599);
    asked.push({ kind, ms: performance.now() - begun, failed: status >= 300 });
    await delay(THINKING.least + this.random.below(THINKING.span));
    return status;
  }
}

function report(
  stages: readonly { users: number; figures: Figures }[],
  overall: Figures,
  missed: readonly string[],
  broken: readonly string[],
): void {
  for (const { users, figures } of stages) {
    const { per_second, errors, all } = figures;
    console.error(
      `${users} users: ${per_second.toFixed(0)} requests/s, p50 ${all.p50_ms.toFixed(1)} ms, p95 ${all.p95_ms.toFixed(1)} ms, p99 ${all.p99_ms.toFixed(1)} ms, errors ${(errors * 100).toFixed(2)} %`,
    );
  }
  for (const kind of KINDS) {
    const times = overall.kinds[kind];
    if (!times) continue;
    console.error(
      `${kind.padEnd(13)} ${String(times.count).padStart(7)} × p50 ${times.p50_ms.toFixed(1)} ms, p95 ${times.p95_ms.toFixed(1)} ms (limit ${LIMITS.kinds[kind]}), p99 ${times.p99_ms.toFixed(1)} ms`,
    );
  }
  console.error(missed.length === 0 ? 'all figures kept' : `missed:\n${missed.map((each) => `  ${each}`).join('\n')}`);
  if (broken.length > 0) console.error(`BROKEN, the figures are void:\n${broken.join('\n')}`);
}

const isKept = await main(process.argv[2] === 'full' ? 'full' : 'smoke');
process.exit(isKept ? 0 : 1);
