import type { Writer } from './remembered-accounts.js';
import type { Counters, ToldText } from './told-text.js';

/** Some 24 MB, and half a million accounts: more than are remembered. */
const TEXTS_MAX = 4_096;
/** More than a text has accounts, and a power of two. */
const STRIDE = 256;

/** What was told last of an account. */
export interface News {
  /** The text's number. */
  readonly nth: number;
  readonly writer: Writer;
  /** 0 where more than counters has changed. */
  readonly version: number;
  counters(): Counters;
}

/** What other processes told of accounts last, by short key. It is kept as it came: most of it nobody asks for. */
export class ToldAccounts {
  readonly #texts = new Map<number, { readonly text: ToldText; readonly writer: Writer }>();
  /** The text's number and the account's place in it. */
  readonly #places = new Map<number, number>();
  #latest = 0;
  #keptSince = 0;

  get latest(): number {
    return this.#latest;
  }

  /** The number of the last text that is not kept any more. */
  get keptSince(): number {
    return this.#keptSince;
  }

  add(text: ToldText, writer: Writer): void {
    const nth = ++this.#latest;
    this.#texts.set(nth, { text, writer });
    for (let at = 0; at < text.length; at++) this.#places.set(text.keyOf(at), nth * STRIDE + at);
    if (this.#texts.size > TEXTS_MAX) this.#drop(++this.#keptSince);
  }

  of(key: number): News | undefined {
    const place = this.#places.get(key);
    if (place === undefined) return undefined;
    const [nth, at] = [Math.floor(place / STRIDE), place % STRIDE];
    const told = this.#texts.get(nth);
    if (!told) return undefined;
    const { text, writer } = told;
    return { nth, writer, version: text.versionOf(at), counters: () => text.countersOf(at) };
  }

  forget(key: number): void {
    this.#places.delete(key);
  }

  /** Nothing of before is known of whatever is remembered from now on. */
  clear(): void {
    this.#texts.clear();
    this.#places.clear();
    this.#keptSince = this.#latest;
  }

  #drop(nth: number): void {
    const text = this.#texts.get(nth)?.text;
    this.#texts.delete(nth);
    for (let at = 0; text && at < text.length; at++) {
      const key = text.keyOf(at);
      if (this.#places.get(key) === nth * STRIDE + at) this.#places.delete(key);
    }
  }
}
