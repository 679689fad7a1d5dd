import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { Lost, NotSent } from './call-failures.js';

export interface HttpAnswer {
  readonly status: number;
  /** Seconds or a date, as the provider wrote it. */
  readonly retryAfter: string | undefined;
  readonly body: Buffer;
}

/** An acquirer's answers are a few hundred bytes; what sends more is not one. */
const ANSWER_BYTES_MAX = 256 * 1_024;

/**
 * One request and its answer. What it adds to undici's own: it knows whether the request was begun, that is whether a
 * connection was there and a first byte may have left, and never begins one that nobody waits for any more. Everything about
 * a failure follows from that: not begun is {@link NotSent}, begun is {@link Lost}.
 */
export class HttpExchange implements Dispatcher.DispatchHandler {
  readonly answer: Promise<HttpAnswer>;
  #resolve!: (answer: HttpAnswer) => void;
  #reject!: (error: NotSent | Lost) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #isOver = false;
  #status = 0;
  #retryAfter: string | undefined;
  #bytes = 0;
  readonly #chunks: Buffer[] = [];
  readonly #onAbort = () => this.#abort();

  /** `onBegin` is called once, when the first byte is about to leave. */
  constructor(
    private readonly signal: AbortSignal,
    private readonly onBegin: () => void,
  ) {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Called when a connection is there, just before the first byte is written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) return controller.abort(new Error('nobody waits for it'));
    this.#controller = controller;
    this.onBegin();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#retryAfter = headers['retry-after'];
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= ANSWER_BYTES_MAX) return void this.#chunks.push(chunk);
    this.#fail(new Lost('answer_too_long', { status: this.#status }));
    controller.abort(new Error('the answer is too long'));
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    this.#end();
    this.#resolve({ status: this.#status, retryAfter: this.#retryAfter, body: Buffer.concat(this.#chunks) });
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const cause = { cause: causeOf(error) };
    this.#fail(
      this.#controller
        ? new Lost(this.#status > 0 ? 'answer_cut' : 'connection_lost', cause)
        : new NotSent('connection_not_made', cause, true),
    );
  }

  #abort(): void {
    const controller = this.#controller;
    this.#fail(controller ? new Lost('no_answer_in_time') : new NotSent('no_connection_in_time'));
    controller?.abort(new Error('nobody waits for it'));
  }

  #fail(error: NotSent | Lost): void {
    if (this.#isOver) return;
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    this.#isOver = true;
    this.signal.removeEventListener('abort', this.#onAbort);
  }
}

/** The system's or the library's code for it: a name, never a text that might repeat what was sent. */
function causeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : String(name);
}
