import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '@payflow/contracts';
import { Random } from '../house/random.js';
import { Connection } from './connection.js';
import type { GeneratorStart, StepOrder, StepResult } from './protocol.js';

/** Payments at a fixed rate whatever becomes of them, in a process of its own. */
const CONNECTIONS_MAX = 1_000;
const TICK_MS = 1;
/** Past this a request without an answer counts as having none. */
const ANSWERED_WITHIN_MS = 30_000;
const AMOUNT_DIGITS = 1_000;

const random = new Random(7);

class Generator {
  private readonly idle: Connection[] = [];
  private readonly all: Connection[] = [];
  private waiting: (() => void)[] = [];

  constructor(private readonly start: GeneratorStart) {}

  async step({ rate, seconds }: StepOrder): Promise<StepResult> {
    const count = Math.round(rate * seconds);
    const ids = Array.from({ length: count }, () => newId('payment'));
    const requests = ids.map((id) => this.request(id));
    const result: StepResult = {
      ids,
      planned: new Float64Array(count),
      answered: new Float64Array(count),
      status: new Uint16Array(count),
    };
    process.send?.('ready');
    await new Promise((resolve) => process.once('message', resolve));
    await this.send(requests, rate, result);
    return result;
  }

  close(): void {
    for (const connection of this.all) connection.close();
  }

  private async send(
    requests: readonly string[],
    rate: number,
    { planned, answered, status }: StepResult,
  ): Promise<void> {
    const startedAt = now();
    let sent = 0;
    let open = 0;
    while (sent < requests.length) {
      const due = Math.min(requests.length, Math.floor(((now() - startedAt) * rate) / 1_000) + 1);
      for (; sent < due; sent++) {
        const at = sent;
        planned[at] = startedAt + (at * 1_000) / rate;
        open++;
        this.whenIdle((connection) =>
          connection.send(requests[at] as string, (code) => {
            answered[at] = now();
            status[at] = code;
            open--;
          }),
        );
      }
      await delay(TICK_MS);
    }
    const deadline = now() + ANSWERED_WITHIN_MS;
    while (open > 0 && now() < deadline) await delay(TICK_MS * 10);
  }

  private whenIdle(use: (connection: Connection) => void): void {
    const connection = this.idle.pop() ?? this.another();
    if (connection) use(connection);
    else this.waiting.push(() => this.whenIdle(use));
  }

  private another(): Connection | undefined {
    if (this.all.length >= CONNECTIONS_MAX) return undefined;
    const connection = new Connection(this.start.port, (idle) => this.free(idle));
    this.all.push(connection);
    return connection;
  }

  private free(connection: Connection): void {
    this.idle.push(connection);
    this.waiting.shift()?.();
  }

  private request(id: string): string {
    const { port, apiKey, accounts, card } = this.start;
    const [wallet, destination] = random.pair(accounts);
    const source = card ? card.clearing : wallet;
    const amount = String(1 + random.below(AMOUNT_DIGITS));
    const method = card ? { type: 'card', token: `tok_${card.brand}`, brand: card.brand } : { type: 'internal' };
    const body = JSON.stringify({ id, source, destination, amount, asset: 'USD', method });
    return (
      `POST /api/v1/payments HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${apiKey}\r\n` +
      `Content-Type: application/json\r\nIdempotency-Key: ${id}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    );
  }
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

// A benchmark that died must not leave its generator behind.
process.once('disconnect', () => process.exit());
process.once('message', (start: GeneratorStart) => {
  const generator = new Generator(start);
  const next = (): void => {
    process.once('message', (order: StepOrder | 'end') => {
      if (order === 'end') {
        generator.close();
        process.disconnect();
        return;
      }
      void generator.step(order).then((result) => {
        process.send?.(result);
        next();
      });
    });
  };
  next();
  process.send?.('started');
});
