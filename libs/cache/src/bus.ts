import { METRICS } from '@payflow/contracts';
import { counter, logger, OncePerInterval } from '@payflow/telemetry';
import { Redis } from 'ioredis';
import { connectionOptions } from './redis.js';
import { newToken } from './remote.js';
import { steady } from './steady.js';

const log = logger('cache');
const errors = counter(METRICS.cacheErrors, 'What a cache could not do, by operation.', ['operation'] as const);

/** What is told must arrive, late rather than never: it has more time than a read, and is told again. */
const COMMAND_TIMEOUT_MS = 2_000;
const BEAT_INTERVAL_MS = 500;
/** So long a process may believe that it hears everything: the bound of what it may answer from memory. */
const SILENCE_MAX_MS = 1_500;
/** After a silence, what others still had to tell may come so long after they are heard again. */
const SETTLE_MS = 2_000;
const OWED_MAX = 10_000;
const TAGS_PER_MESSAGE = 1_000;
const BEAT = '';
const EVERYTHING = '*';
const REPORT_INTERVAL_MS = 60_000;

/** What a bus does with what it hears, and what is behind it. */
export interface BusListener {
  /** Others have forgotten these tags. */
  forget(tags: readonly string[]): void;
  /** Something was not heard, or may not have been: nothing that is remembered can be trusted. */
  forgetAll(): void;
  /** The others are heard for the first time. */
  found(): void;
  /** Redis has lost all it had. */
  lost(): void;
}

/** Keys to write together with what is told: the newest value, for those who ask next. */
export type Writes = (pipeline: ReturnType<Redis['pipeline']>) => void;

/**
 * Tells the other processes what is no longer true, and deletes its tokens in Redis; what could not be told is owed, and told
 * until it has arrived. A heartbeat that every process sends and must itself hear says whether the others are heard.
 */
export class Bus {
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #origin = newToken();
  readonly #seldom = new OncePerInterval(REPORT_INTERVAL_MS);
  /** Tags whose deletion is not acknowledged, and how often it was asked for. */
  readonly #pending = new Map<string, number>();
  readonly #owed = new Set<string>();
  /** Too much is owed to be listed. */
  #owesAll = false;
  #paying = false;
  #heardAt = -Infinity;
  #soundSince = Infinity;
  #marked = false;
  #timer: NodeJS.Timeout | undefined;

  /** `tagKey` names a tag's token; `deleteTokens` deletes all of them, and says whether it could. */
  constructor(
    url: string,
    private readonly prefix: string,
    private readonly listener: BusListener,
    private readonly tagKey: (tag: string) => string,
    private readonly deleteTokens: () => Promise<boolean>,
  ) {
    this.#publisher = new Redis(url, {
      ...connectionOptions(`${prefix}bus`),
      commandTimeout: COMMAND_TIMEOUT_MS,
    });
    this.#subscriber = new Redis(url, {
      ...connectionOptions(`${prefix}bus-subscriber`),
      enableOfflineQueue: true,
      maxRetriesPerRequest: null,
    });
    this.#publisher.on('error', () => undefined);
    this.#publisher.on('ready', () => void this.#beat());
    this.#subscriber.on('error', () => undefined);
    this.#subscriber.on('close', () => this.#unheard());
    this.#subscriber.on('message', (_channel: string, message: string) => this.#hear(message));
  }

  open(): void {
    this.#publisher.connect().catch(() => undefined);
    this.#subscriber.connect().catch(() => undefined);
    this.#subscriber.subscribe(this.#channel).then(
      () => void this.#beat(),
      () => undefined,
    );
    this.#timer = setInterval(() => void this.#beat(), BEAT_INTERVAL_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
  }

  /**
   * Since when nothing can have been missed, ms since 1970; Infinity while that is not known. What was learnt before then
   * may be wrong.
   */
  soundSince(now: number): number {
    return now - this.#heardAt <= SILENCE_MAX_MS ? this.#soundSince : Infinity;
  }

  /** True while what Redis has of one of the tags may be what this process knows to be wrong. */
  owes(tags: readonly string[]): boolean {
    return this.#owesAll || (this.#pending.size > 0 && tags.some((tag) => this.#pending.has(tag)));
  }

  /**
   * Tells in the background. `writes` go with the first message, before anybody hears of it. Resolves when it has arrived, or
   * is owed.
   */
  async tell(tags: readonly string[], writes?: Writes): Promise<void> {
    const sent: Promise<void>[] = [];
    for (let at = 0; at < tags.length; at += TAGS_PER_MESSAGE)
      sent.push(this.#send(tags.slice(at, at + TAGS_PER_MESSAGE), at === 0 ? writes : undefined));
    await Promise.all(sent);
  }

  async #send(tags: readonly string[], writes?: Writes): Promise<void> {
    for (const tag of tags) this.#pending.set(tag, (this.#pending.get(tag) ?? 0) + 1);
    const arrived = await this.#publish(tags, writes);
    for (const tag of tags) this.#settle(tag, arrived);
  }

  #settle(tag: string, arrived: boolean): void {
    const left = (this.#pending.get(tag) ?? 1) - 1;
    if (!arrived) this.#owed.add(tag);
    // What is owed stays pending, until it was told after all.
    if (left > 0) this.#pending.set(tag, left);
    else if (this.#owed.has(tag)) this.#pending.set(tag, 0);
    else this.#pending.delete(tag);
    if (this.#owed.size > OWED_MAX) this.#giveUpList();
  }

  #giveUpList(): void {
    for (const tag of this.#owed) if (this.#pending.get(tag) === 0) this.#pending.delete(tag);
    this.#owed.clear();
    this.#owesAll = true;
  }

  async #publish(tags: readonly string[], writes?: Writes): Promise<boolean> {
    try {
      const pipeline = this.#publisher.pipeline().del(...tags.map(this.tagKey));
      writes?.(pipeline);
      const results = await pipeline.publish(this.#channel, `${this.#origin}\n${tags.join(',')}`).exec();
      // Of a full Redis, the writes alone fail: what is void must be gone, what is new need not be there.
      const [deleted, told] = [results?.[0], results?.at(-1)];
      if (!deleted || !told || deleted[0] || told[0]) throw deleted?.[0] ?? told?.[0] ?? new Error('no answer');
      return true;
    } catch (error) {
      errors.inc({ operation: 'tell' });
      this.#seldom.run((suppressed) =>
        log.warn({ err: error, suppressed }, 'other processes were not told what is void; telling them again'),
      );
      return false;
    }
  }

  async #beat(): Promise<void> {
    if (steady.now() - this.#heardAt > SILENCE_MAX_MS) this.#unheard();
    if (this.#owed.size > 0 || this.#owesAll) void this.#pay();
    try {
      const results = await this.#publisher.pipeline().publish(this.#channel, BEAT).get(this.#mark).exec();
      if (results?.[1]?.[0] === null) await this.#lookForLoss(results[1][1] !== null);
    } catch {
      // It will not be heard, and that is what counts.
    }
  }

  /** A mark that was there and is not: somebody has emptied Redis, or it began anew. Read so often, it is not evicted. */
  async #lookForLoss(isMarked: boolean): Promise<void> {
    if (isMarked) {
      this.#marked = true;
      return;
    }
    const lost = this.#marked;
    this.#marked = (await this.#publisher.set(this.#mark, '1')) === 'OK';
    if (lost) this.listener.lost();
  }

  async #pay(): Promise<void> {
    if (this.#paying) return;
    this.#paying = true;
    try {
      if (this.#owesAll) await this.#payAll();
      const tags = [...this.#owed].slice(0, TAGS_PER_MESSAGE);
      if (tags.length === 0 || !(await this.#publish(tags))) return;
      for (const tag of tags) {
        this.#owed.delete(tag);
        if (this.#pending.get(tag) === 0) this.#pending.delete(tag);
      }
    } finally {
      this.#paying = false;
    }
  }

  async #payAll(): Promise<void> {
    if (!(await this.deleteTokens())) return;
    await this.#publisher.publish(this.#channel, `${this.#origin}\n${EVERYTHING}`).then(
      () => (this.#owesAll = false),
      () => undefined,
    );
  }

  #hear(message: string): void {
    const now = steady.now();
    if (now - this.#heardAt > SILENCE_MAX_MS) this.#unheard();
    const isFirst = this.#heardAt === -Infinity;
    // The first time there is nothing to wait for: whoever owes something tells it to those who are there.
    if (this.#soundSince === Infinity) this.#soundSince = isFirst ? now : now + SETTLE_MS;
    this.#heardAt = now;
    if (isFirst) this.listener.found();
    const [origin, list = ''] = message.split('\n');
    if (message === BEAT || origin === this.#origin) return;
    if (list === EVERYTHING) this.listener.forgetAll();
    else this.listener.forget(list.split(','));
  }

  #unheard(): void {
    this.#soundSince = Infinity;
  }

  get #channel(): string {
    return `${this.prefix}forget`;
  }

  get #mark(): string {
    return `${this.prefix}mark`;
  }
}
