import { setImmediate as nextTurn } from 'node:timers/promises';
import { Problem } from '@payflow/service';
import type { BulkBytes } from '../edge/edge.js';
import { wrong } from './request-body.js';
import { parseStrictJson, type JsonObject } from '../edge/strict-json.js';

/** In one request; in `atomic` and `stop_on_first` it is a thousand. */
export const BULK_ITEMS_MAX = 10_000;
/** So many bytes are looked through in one turn of the event loop: a quarter of a millisecond. */
const BYTES_PER_TURN = 262_144;

const [QUOTE, BACKSLASH, COLON, COMMA, NEWLINE, RETURN] = Buffer.from('"\\:,\n\r') as unknown as number[];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = Buffer.from('{}[]') as unknown as number[];

/** Where the items of a bulk stand in a JSON body, and how many there may be. */
export interface BulkShape {
  readonly member: string;
  readonly items_max: number;
}

const TRANSFERS: BulkShape = { member: 'transfers', items_max: BULK_ITEMS_MAX };

/** A bulk taken apart: what it says of itself, and its items, each to be read on its own. */
export interface BulkParts {
  readonly head: JsonObject;
  readonly items: readonly Buffer[];
}

/**
 * Takes a bulk apart without reading its items: JSON.parse of four megabytes would hold up everybody else. Throws
 * `invalid_json` for what is around the items, and `invalid_request` where there are too many of them.
 */
export function bulkParts({ bytes, format }: BulkBytes, shape: BulkShape = TRANSFERS): Promise<BulkParts> {
  return format === 'json' ? jsonParts(bytes, shape) : lines(bytes, shape);
}

async function jsonParts(bytes: Buffer, shape: BulkShape): Promise<BulkParts> {
  const scan = new Scan(bytes, shape);
  while (!scan.ended) {
    scan.run(scan.at + BYTES_PER_TURN);
    await nextTurn();
  }
  const { items, from, to } = scan;
  return { head: parseStrictJson(Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])), items };
}

/** One item per line; a line feed at the end is none of its own. */
async function lines(bytes: Buffer, shape: BulkShape): Promise<BulkParts> {
  const items: Buffer[] = [];
  let turnEnds = BYTES_PER_TURN;
  for (let at = 0; at < bytes.length;) {
    const found = bytes.indexOf(NEWLINE as number, at);
    const end = found < 0 ? bytes.length : found;
    refuseTooMany(items.length, shape);
    items.push(bytes.subarray(at, bytes[end - 1] === RETURN && end > at ? end - 1 : end));
    at = end + 1;
    if (at < turnEnds) continue;
    turnEnds = at + BYTES_PER_TURN;
    await nextTurn();
  }
  return { head: {}, items };
}

function refuseTooMany(items: number, { member, items_max }: BulkShape): void {
  if (items >= items_max)
    throw wrong(`/${member}`, 'too_many', `At most ${items_max.toLocaleString('en')} in one bulk.`);
}

/**
 * Looks for the array of items in an object's bytes, by quotes and brackets alone. Whatever else is wrong shows when the rest
 * and the items are parsed.
 */
class Scan {
  readonly items: Buffer[] = [];
  at = 0;
  /** Where the items begin and end. */
  from = 0;
  to = 0;
  #depth = 0;
  #text = '';
  #key = '';
  #itemStart = -1;

  constructor(
    private readonly bytes: Buffer,
    private readonly shape: BulkShape,
  ) {}

  get ended(): boolean {
    return this.at >= this.bytes.length;
  }

  run(until: number): void {
    const end = Math.min(until, this.bytes.length);
    for (; this.at < end; this.at++) this.#step(this.bytes[this.at] as number);
  }

  #step(byte: number): void {
    switch (byte) {
      case QUOTE:
        this.#string();
        break;
      case COLON:
        if (this.#depth === 1) this.#key = this.#text;
        break;
      case COMMA:
        if (this.#depth === 2 && this.#itemStart >= 0) this.#item();
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        this.#depth++;
        if (byte === OPEN_BRACKET && this.#depth === 2 && this.#key === this.shape.member && this.to === 0)
          this.#itemStart = this.from = this.at + 1;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        if (this.#depth === 2 && this.#itemStart >= 0) this.#lastItem();
        this.#depth--;
    }
  }

  #string(): void {
    const start = this.at + 1;
    let end = this.bytes.indexOf(QUOTE as number, start);
    while (end > 0 && this.#isEscaped(end)) end = this.bytes.indexOf(QUOTE as number, end + 1);
    this.at = end < 0 ? this.bytes.length : end;
    if (this.#depth === 1) this.#text = this.bytes.toString('utf8', start, Math.min(this.at, start + 64));
  }

  /** True when an odd number of backslashes stands before the quote. */
  #isEscaped(quote: number): boolean {
    let at = quote - 1;
    while (this.bytes[at] === BACKSLASH) at--;
    return (quote - at) % 2 === 0;
  }

  #item(): void {
    refuseTooMany(this.items.length, this.shape);
    this.items.push(this.bytes.subarray(this.#itemStart, this.at));
    this.#itemStart = this.at + 1;
  }

  #lastItem(): void {
    const isEmpty = this.items.length === 0 && this.bytes.toString('latin1', this.#itemStart, this.at).trim() === '';
    if (!isEmpty) this.#item();
    this.to = this.at;
    this.#itemStart = -1;
  }
}

/** What an item says. Throws `invalid_json`, or `invalid_request` where it is no object. */
export function readItem(item: Buffer): JsonObject {
  try {
    return parseStrictJson(item);
  } catch (error) {
    // What is said of a body is true of an item.
    if (error instanceof Problem && error.code === 'invalid_request')
      throw new Problem('invalid_request', { detail: 'An item must be a JSON object.' });
    throw error;
  }
}
