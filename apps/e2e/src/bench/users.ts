import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '@payflow/contracts';
import { uniqueSuffix } from '@payflow/testing';
import { Pool } from 'undici';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';
import { Random } from '../house/random.js';
import { scratchDir } from '../house/scratch.js';
import { startOwnServers } from '../house/servers.js';
import { hireOperators, type Operator } from './operators.js';
import { brokenBooks } from './pipeline-books.js';
import { saveResult } from './result.js';
import { figuresOf, KINDS, LIMITS, missedBy, type Asked, type Figures, type Kind } from './users-figures.js';

/**
 * People who log in, look at accounts and their transactions, and pay: twenty at first, then fifty, then a hundred. Each asks,
 * waits for the answer, and thinks. The same as `deploy/k6/users.js`, for who has no k6. Ends with 1 when a figure is missed or the books are not in order.
 */
const SIZES = { smoke: { seconds: 10, warmUp_s: 5 }, full: { seconds: 60, warmUp_s: 20 } };
const STAGES = [20, 50, 100] as const;
/** Those who join come one after another within this: a hundred log-ins at one moment are another campaign. */
const RAMP_MS = 5_000;
/** Between two things that somebody asks for, ms: together they ask 200 times a second, from the first stage to the last. */
const THINKING = { least: 150, span: 150 };
const ACCOUNTS = 200;
/** A session is used for some time before somebody logs in again. */
const VISITS_PER_LOGIN = 50;
const SOCKETS_MAX = 128;

async function main(size: keyof typeof SIZES): Promise<boolean> {
  const servers = await startOwnServers({ dir: scratchDir(`users_${uniqueSuffix()}`), profile: 'durable' });
  let house: House | undefined;
  try {
    house = await House.open({ name: 'users', servers: servers.urls, disposable: true });
    return await measureHouse(house, size);
  } catch (error) {
    throw house ? house.failed(error) : error;
  } finally {
    await house?.close();
    await servers.stop();
  }
}

async function measureHouse(house: House, size: keyof typeof SIZES): Promise<boolean> {
  const { seconds, warmUp_s } = SIZES[size];
  const merchant = await Merchant.open(house.databases, house.api, ACCOUNTS);
  const pool = new Pool(house.api, { connections: SOCKETS_MAX });
  const operators = await hireOperators(house, merchant, Math.max(...STAGES));
  const crowd = new Crowd(pool, merchant, operators);
  await crowd.stage(STAGES[0], warmUp_s);
  const stages: { users: number; figures: Figures }[] = [];
  const all: Asked[] = [];
  for (const users of STAGES) {
    const asked = await crowd.stage(users, seconds);
    all.push(...asked);
    stages.push({ users, figures: figuresOf(asked, seconds + RAMP_MS / 1_000) });
  }
  await pool.close();
  merchant.close();
  const overall = figuresOf(all, (seconds + RAMP_MS / 1_000) * STAGES.length);
  const missed = missedBy(overall);
  const broken = await brokenBooks(house, crowd.paid);
  report(stages, overall, missed, broken);
  saveResult('users', size, { stages, overall, missed, broken });
  return missed.length + broken.length === 0;
}

interface Question {
  /** Of the session. */
  readonly token?: string;
  readonly key?: string;
  readonly body?: string;
}

interface Told {
  readonly status: number;
  readonly text: string;
}

class Crowd {
  /** Payments that were acknowledged. */
  readonly paid: string[] = [];
  private readonly sessions = new Map<Operator, { token: string; visits: number }>();
  private readonly random = new Random(7);

  constructor(
    private readonly pool: Pool,
    private readonly merchant: Merchant,
    private readonly operators: readonly Operator[],
  ) {}

  /** So many users at once, for so long. */
  async stage(users: number, seconds: number): Promise<Asked[]> {
    const asked: Asked[] = [];
    const joining = users - this.sessions.size;
    const ramp_ms = joining > 0 ? RAMP_MS : 0;
    const end = performance.now() + ramp_ms + seconds * 1_000;
    let joined = 0;
    await Promise.all(
      this.operators.slice(0, users).map(async (operator) => {
        if (!this.sessions.has(operator)) await delay((ramp_ms * joined++) / joining);
        await this.user(operator, asked, end);
      }),
    );
    return asked;
  }

  private async user(operator: Operator, asked: Asked[], end: number): Promise<void> {
    // They do not all come at the same moment.
    await delay(this.random.below(THINKING.least + THINKING.span));
    while (performance.now() < end) {
      const token = await this.tokenOf(operator, asked);
      const [one, other] = this.random.pair(this.merchant.accounts);
      await this.ask(asked, 'health', '/health', { token });
      await this.ask(asked, 'accounts', `/api/v1/accounts/${one}`, { token });
      await this.ask(asked, 'transactions', `/api/v1/transactions?account=${one}&limit=20`, { token });
      await this.pay(asked, token, one, other);
    }
  }

  private async tokenOf(operator: Operator, asked: Asked[]): Promise<string> {
    const session = this.sessions.get(operator) ?? { token: '', visits: 0 };
    if (session.visits % VISITS_PER_LOGIN === 0) session.token = await this.logIn(operator, asked);
    session.visits++;
    this.sessions.set(operator, session);
    return session.token;
  }

  private async logIn({ email, password }: Operator, asked: Asked[]): Promise<string> {
    const body = JSON.stringify({ email, password, livemode: false });
    const { text } = await this.ask(asked, 'login', '/api/v1/auth/login', { body });
    return (JSON.parse(text || '{}') as { access_token?: string }).access_token ?? '';
  }

  private async pay(asked: Asked[], token: string, source: string, destination: string): Promise<void> {
    const id = newId('payment');
    const amount = String(1 + this.random.below(1_000));
    const body = JSON.stringify({ id, source, destination, amount, asset: 'USD', method: { type: 'internal' } });
    const { status } = await this.ask(asked, 'payments', '/api/v1/payments', { token, key: id, body });
    if (status < 300) this.paid.push(id);
  }

  private async ask(asked: Asked[], kind: Kind, path: string, { token, key, body }: Question): Promise<Told> {
    const begun = performance.now();
    const told = await this.pool
      .request({
        method: body === undefined ? 'GET' : 'POST',
        path,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(key === undefined ? {} : { 'idempotency-key': key }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
      })
      .then(async ({ statusCode, body: answer }) => ({ status: statusCode, text: await answer.text() }))
      .catch(() => ({ status: 599, text: '' }));
    asked.push({ kind, ms: performance.now() - begun, failed: told.status >= 300 });
    await delay(THINKING.least + this.random.below(THINKING.span));
    return told;
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
