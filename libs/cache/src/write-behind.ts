import { METRICS } from '@payflow/contracts';
import { counter, logger, OncePerInterval } from '@payflow/telemetry';

const log = logger('write-behind');
const outcomes = counter(METRICS.writeBehind, 'Notes to be written behind, by what became of them.', [
  'notes',
  'outcome',
] as const);
const REPORT_INTERVAL_MS = 60_000;

export interface WriteBehindOptions<V> {
  /** The label of the metrics. */
  readonly name: string;
  readonly interval_ms: number;
  /** Keys that are held at a time; notes on others are dropped until the next write. */
  readonly keys_max: number;
  /** Both notes on a key in one. */
  readonly merge: (before: V, note: V) => V;
  /** Writes all at once. */
  readonly write: (notes: ReadonlyMap<string, V>) => Promise<void>;
}

/**
 * Notes that are written later, together, and that may be lost with the process: when something was last used, how often.
 * Never for what anybody is promised.
 */
export class WriteBehind<V> {
  readonly #seldom = new OncePerInterval(REPORT_INTERVAL_MS);
  #notes = new Map<string, V>();
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: WriteBehindOptions<V>) {}

  open(): void {
    this.#timer = setInterval(() => void this.flush(), this.options.interval_ms).unref();
  }

  note(key: string, note: V): void {
    const { name, keys_max, merge } = this.options;
    const before = this.#notes.get(key);
    if (before !== undefined) this.#notes.set(key, merge(before, note));
    else if (this.#notes.size < keys_max) this.#notes.set(key, note);
    else outcomes.inc({ notes: name, outcome: 'dropped' });
  }

  /** Writes what there is. What could not be written is kept for the next time, as far as there is room. Never rejects. */
  async flush(): Promise<void> {
    // One at a time: a slow database must not get more to do.
    await this.#writing;
    if (this.#notes.size === 0) return;
    const notes = this.#notes;
    this.#notes = new Map();
    this.#writing = this.#write(notes);
    await this.#writing;
  }

  /** The last write; to be called in the drain, while there is still a database. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #write(notes: ReadonlyMap<string, V>): Promise<void> {
    const { name, write } = this.options;
    try {
      await write(notes);
      outcomes.inc({ notes: name, outcome: 'written' }, notes.size);
    } catch (error) {
      outcomes.inc({ notes: name, outcome: 'postponed' }, notes.size);
      this.#seldom.run((suppressed) => log.warn({ err: error, suppressed, notes: name }, 'notes wait to be written'));
      this.#takeBack(notes);
    }
  }

  #takeBack(notes: ReadonlyMap<string, V>): void {
    const newer = this.#notes;
    this.#notes = new Map();
    for (const [key, note] of [...notes, ...newer]) this.note(key, note);
  }
}
