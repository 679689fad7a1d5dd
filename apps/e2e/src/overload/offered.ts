import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '../bench/connection.js';
import type { Asked, Kind } from './asked.js';

/** One request with what became of it. */
export interface Told {
  readonly kind: Kind;
  readonly id: string | undefined;
  /** 0 where the connection broke, or nothing came. */
  readonly status: number;
  /** From the planned moment, ms. */
  readonly took_ms: number;
}

const CONNECTIONS_MAX = 2_000;
const TICK_MS = 1;
const ANSWERED_WITHIN_MS = 30_000;

/** Sends what it is given over kept connections, and keeps what it was told. */
export class Offering {
  readonly told: Told[] = [];
  private readonly idle: Connection[] = [];
  private readonly all: Connection[] = [];
  private readonly waiting: (() => void)[] = [];
  private open = 0;

  constructor(private readonly port: number) {}

  /** At a fixed rate, whatever becomes of it. */
  async openLoop(next: () => Asked, rate: number, seconds: number): Promise<void> {
    const count = Math.round(rate * seconds);
    const startedAt = performance.now();
    for (let sent = 0; sent < count;) {
      const due = Math.min(count, Math.floor(((performance.now() - startedAt) * rate) / 1_000) + 1);
      for (; sent < due; sent++) this.send(next(), startedAt + (sent * 1_000) / rate);
      // Until the next is due, and no tick more: the time of whoever sends is taken from those who answer.
      await delay(Math.max(TICK_MS, startedAt + (sent * 1_000) / rate - performance.now()));
    }
    await this.untilAnswered();
  }

  /** So many at one time, each the next as soon as it has its answer. */
  async closedLoop(next: () => Asked, clients: number, seconds: number): Promise<void> {
    const until_ms = performance.now() + seconds * 1_000;
    const again = (): void => {
      if (performance.now() < until_ms) this.send(next(), performance.now(), again);
    };
    for (let at = 0; at < clients; at++) again();
    await delay(seconds * 1_000);
    await this.untilAnswered();
  }

  close(): void {
    for (const connection of this.all) connection.close();
  }

  private send(asked: Asked, planned_ms: number, onAnswer?: () => void): void {
    this.open++;
    this.whenIdle((connection) =>
      connection.send(asked.text, (status) => {
        this.open--;
        this.told.push({ kind: asked.kind, id: asked.id, status, took_ms: performance.now() - planned_ms });
        if (onAnswer) setImmediate(onAnswer);
      }),
    );
  }

  private async untilAnswered(): Promise<void> {
    const deadline = performance.now() + ANSWERED_WITHIN_MS;
    while (this.open > 0 && performance.now() < deadline) await delay(TICK_MS * 10);
  }

  private whenIdle(use: (connection: Connection) => void): void {
    // The one that has been idle longest: none is idle for so long that the server closes it.
    const connection = this.idle.shift() ?? this.another();
    if (connection) use(connection);
    else this.waiting.push(() => this.whenIdle(use));
  }

  private another(): Connection | undefined {
    if (this.all.length >= CONNECTIONS_MAX) return undefined;
    const connection = new Connection(this.port, (idle) => {
      this.idle.push(idle);
      this.waiting.shift()?.();
    });
    this.all.push(connection);
    return connection;
  }
}

export const isTaken = ({ status }: Told): boolean => status >= 200 && status < 300;
export const isShed = ({ status }: Told): boolean => status === 503;

/** What was accepted of writes, a second. */
export function goodput(told: readonly Told[], seconds: number): number {
  return told.filter((one) => isTaken(one) && one.id !== undefined).length / seconds;
}
