import { Injectable } from '@nestjs/common';
import { METRICS } from '@payflow/contracts';
import { gauge, logger } from '@payflow/telemetry';

export const START_UP_ORDERS = ['parallel', 'one_by_one'] as const;
export type StartUpOrder = (typeof START_UP_ORDERS)[number];

const log = logger('start-up');
const seconds = gauge(
  METRICS.startUpSeconds,
  'What the parts of the start took, and `ready`: all of it, from the process.',
  ['part'] as const,
);

const MS_PER_S = 1_000;

/**
 * The parts of a service's start and what each took. What others need is waited for; the rest goes on beside them, and is
 * waited for before there are requests and messages. A part that fails fails the start, with its own error.
 */
@Injectable()
export class StartUp {
  readonly #took = new Map<string, number>();
  readonly #beside: Promise<void>[] = [];

  constructor(readonly order: StartUpOrder = 'parallel') {}

  /** Runs a part that the caller needs. */
  async part<T>(name: string, work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    const result = await work();
    this.note(name, performance.now() - begun);
    return result;
  }

  /** Begins a part that nobody needs yet. Resolves at once, or, one by one, when it is done. */
  async beside(name: string, work: () => Promise<unknown>): Promise<void> {
    const running = this.part(name, work).then(() => undefined);
    if (this.order === 'one_by_one') return running;
    // Until `settled` asks, nobody listens; the failure is told there.
    running.catch(() => undefined);
    this.#beside.push(running);
  }

  /** Resolves when all parts beside have ended; rejects with the first that failed. */
  async settled(): Promise<void> {
    await Promise.all(this.#beside);
  }

  /** What a part took, ms. */
  note(part: string, took_ms: number): void {
    this.#took.set(part, took_ms);
    seconds.set({ part }, took_ms / MS_PER_S);
  }

  /** The service is ready for the first time. `sinceStart_ms`: since the process began. */
  ready(sinceStart_ms: number): void {
    seconds.set({ part: 'ready' }, sinceStart_ms / MS_PER_S);
    const parts = Object.fromEntries([...this.#took].map(([part, took_ms]) => [part, Math.round(took_ms)]));
    log.info({ ready_ms: Math.round(sinceStart_ms), order: this.order, parts_ms: parts }, 'ready');
  }
}
