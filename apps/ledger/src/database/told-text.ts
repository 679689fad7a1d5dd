import type { Account } from '../domain/account.js';

/** An account as a batch of another process leaves it: what a posting changes of it. */
export type Counters = Pick<Account, 'postedDebits' | 'postedCredits' | 'pendingDebits' | 'pendingCredits' | 'version'>;

/** What one batch tells other processes of what it is about to leave. */
export interface Told {
  /** The transaction's id, and the ledger's clock in it, milliseconds since 1970. */
  readonly xact: string;
  readonly at_ms: number;
  /** By {@link shortKey}. Of those without counters more has changed: they are to be read again. */
  readonly accounts: readonly (readonly [key: number, counters: Counters | undefined])[];
}

const KEY_BYTES = 6;
const KEYS = 2 ** (8 * KEY_BYTES);
const ACCOUNT_BYTES = KEY_BYTES + KEY_BYTES + 4 * 8;
/** The server takes less than 8,000 bytes at a time, and base64 makes four of three. */
const ACCOUNTS_MAX = Math.floor((7_800 * 3) / 4 / ACCOUNT_BYTES);

/**
 * What stands for an account in what is told: two that share one are taken for each other now and then, and found out as all that
 * is told is. The last bits of a UUID are random.
 */
export function shortKey(tenant: string, livemode: boolean, uuid: string): number {
  return (lastBits(tenant) + lastBits(uuid) + (livemode ? 1 : 0)) % KEYS;
}

function lastBits(uuid: string): number {
  return Number.parseInt(uuid.slice(-2 * KEY_BYTES), 16);
}

/** The texts that say it. */
export function toldTexts({ xact, at_ms, accounts }: Told): string[] {
  const texts: string[] = [];
  for (let at = 0; at < accounts.length; at += ACCOUNTS_MAX)
    texts.push(`${xact} ${at_ms} ${packed(accounts.slice(at, at + ACCOUNTS_MAX)).toString('base64')}`);
  return texts;
}

function packed(accounts: Told['accounts']): Buffer {
  const buffer = Buffer.alloc(accounts.length * ACCOUNT_BYTES);
  let at = 0;
  for (const [key, counters] of accounts) {
    buffer.writeUIntBE(key, at, KEY_BYTES);
    // A version is at least 1.
    if (counters) pack(buffer, at + KEY_BYTES, counters);
    at += ACCOUNT_BYTES;
  }
  return buffer;
}

function pack(buffer: Buffer, at: number, counters: Counters): void {
  buffer.writeUIntBE(counters.version, at, KEY_BYTES);
  let to = at + KEY_BYTES;
  const { postedDebits, postedCredits, pendingDebits, pendingCredits } = counters;
  for (const amount of [postedDebits, postedCredits, pendingDebits, pendingCredits]) {
    buffer.writeBigInt64BE(amount, to);
    to += 8;
  }
}

/** The server's own ids of transactions go on past it, and what is asked by one does not. */
const XACT_MAX = 2n ** 63n - 1n;

const FIRST = /^(\d{1,20}) (\d{1,15}) /;

/**
 * Undefined where it is none: anybody on the database may say anything. What could be so and is not is found out when the rows are
 * written; what cannot be so would end the batch before.
 */
export function readTold(text: string): ToldText | undefined {
  const [first, xact, at] = FIRST.exec(text) ?? [];
  if (first === undefined || xact === undefined) return undefined;
  const buffer = Buffer.from(text.slice(first.length), 'base64');
  const told = new ToldText(xact, Number(at), buffer);
  return buffer.length % ACCOUNT_BYTES === 0 && BigInt(xact) <= XACT_MAX && told.isPossible() ? told : undefined;
}

/** One text of what was told. What it says of an account is read when somebody asks. */
export class ToldText {
  constructor(
    readonly xact: string,
    readonly at_ms: number,
    private readonly buffer: Buffer,
  ) {}

  get length(): number {
    return this.buffer.length / ACCOUNT_BYTES;
  }

  /** False where an account has counters that no account can have. */
  isPossible(): boolean {
    for (let at = 2 * KEY_BYTES; at < this.buffer.length; at += ACCOUNT_BYTES)
      for (let nth = 0; nth < 4; nth++) if (this.buffer.readInt8(at + 8 * nth) < 0) return false;
    return true;
  }

  keyOf(nth: number): number {
    return this.buffer.readUIntBE(nth * ACCOUNT_BYTES, KEY_BYTES);
  }

  /** 0 where the account is to be read again. */
  versionOf(nth: number): number {
    return this.buffer.readUIntBE(nth * ACCOUNT_BYTES + KEY_BYTES, KEY_BYTES);
  }

  countersOf(nth: number): Counters {
    const at = nth * ACCOUNT_BYTES + 2 * KEY_BYTES;
    return {
      postedDebits: this.buffer.readBigInt64BE(at),
      postedCredits: this.buffer.readBigInt64BE(at + 8),
      pendingDebits: this.buffer.readBigInt64BE(at + 16),
      pendingCredits: this.buffer.readBigInt64BE(at + 24),
      version: this.versionOf(nth),
    };
  }
}
