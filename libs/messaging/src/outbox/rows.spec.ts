import { MESSAGES, newId, partitionOf, type MessageType, type PaymentSnapshot } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import { finish, type AnyOutgoing, type Envelope } from '../outgoing.js';
import { packRows, recordsOf } from './rows.js';
import { talliesByDay, tallyOf } from './tally.js';
import { encodeRecord } from '../envelope.js';

const origin = { tenant: newId('tenant'), livemode: false, actor: 'spec' };
const time = '2026-11-21T08:00:00.000Z';

function envelope(account = newId('account'), note = '', resent = false): Envelope {
  const metadata: Record<string, string> = note ? { note } : {};
  const data = {
    id: account,
    path: null,
    asset: 'USD',
    kind: 'liability',
    overdraft: 'none',
    overdraft_limit: '0',
    metadata,
    created_at: time,
  } as const;
  const outgoing: AnyOutgoing = { type: 'payflow.account.open.v1', subject: account, data, origin, resent };
  return finish(outgoing, time, undefined, 2);
}

const bytesOf = (envelopes: readonly Envelope[]) =>
  envelopes
    .map(({ message, value }) => encodeRecord(message, value))
    .reduce((sum, { key, value, headers }) => sum + Buffer.byteLength(JSON.stringify([key, value, headers])), 0);

describe('outbox rows', () => {
  it('hold the messages of one partition each, in order', () => {
    const envelopes = Array.from({ length: 50 }, () => envelope());
    const rows = packRows(envelopes);
    expect(rows.map(({ row }) => row.partition).sort()).toEqual([0, 1]);
    for (const { row, envelopes: packed } of rows) {
      expect(packed).toEqual(envelopes.filter(({ partition }) => partition === row.partition));
      expect(packed.every(({ message }) => partitionOf(message.key, 2) === row.partition)).toBe(true);
    }
  });

  it('are split before they grow beyond a request, and their size is never told too small', () => {
    const account = newId('account');
    const envelopes = Array.from({ length: 4_000 }, () => envelope(account, 'ü€'.repeat(100)));
    const rows = packRows(envelopes);
    expect(rows.length).toBeGreaterThan(1);
    expect(rows.flatMap((row) => row.envelopes)).toEqual(envelopes);
    for (const { envelopes: packed, bytes } of rows) {
      expect(bytes).toBeLessThanOrEqual(900_000);
      expect(bytes).toBeGreaterThanOrEqual(bytesOf(packed));
    }
  });

  it('count what is sent for the first time only', () => {
    const account = newId('account');
    const envelopes = [envelope(account), envelope(account, '', true), envelope(account)];
    const [packed] = packRows(envelopes);
    const first = [envelopes[0], envelopes[2]].map((one) => (one as Envelope).message.id);
    expect(packed?.row).toMatchObject({ message_count: 3, counted: 2, id_sum: tallyOf(first).idSum });
  });

  it('give back, byte for byte, what was sent from memory', () => {
    const envelopes = [envelope(undefined, '\u2028 "quoted" \\ \u001f')];
    const [packed] = packRows(envelopes);
    const stored = { ...(packed as NonNullable<typeof packed>).row, created_at: new Date(0) };
    expect(recordsOf(stored)).toEqual(envelopes.map(({ message, value }) => encodeRecord(message, value)));
  });

  it('hold no message beyond 64 KiB, counted in bytes', () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 50 }, (_, at) => [`${'€'.repeat(400)}${at}`, '€'.repeat(500)]),
    );
    const data = {
      id: newId('account'),
      path: null,
      asset: 'USD',
      kind: 'liability',
      overdraft: 'none',
      overdraft_limit: '0',
      metadata,
      created_at: time,
    } as const;
    const outgoing: AnyOutgoing = { type: 'payflow.account.open.v1', subject: data.id, data, origin };
    expect(JSON.stringify(data).length).toBeLessThan(65_536);
    expect(() => finish(outgoing, time, undefined, 2)).toThrow('larger than 65536 bytes');
  });
});

describe('an event that tells of a payment', () => {
  /** As much as the gateway lets through: each of them alone fills a command of 60,000 bytes. */
  const full = (rest: object): Record<string, string> => {
    const room = 60_000 - JSON.stringify(rest).length;
    const names = Array.from({ length: 40 }, (_, at) => `${'k'.repeat(36)}${String(at).padStart(2, '0')}`);
    const each = Math.floor(room / names.length) - 44;
    const filled = Object.fromEntries(names.map((name) => [name, '€'.repeat(Math.floor(each / 3))]));
    expect(Buffer.byteLength(JSON.stringify(filled))).toBeGreaterThan(room - 500);
    expect(Buffer.byteLength(JSON.stringify(filled))).toBeLessThanOrEqual(room);
    return filled;
  };
  const most = '9'.repeat(18);
  const counters = { posted_debits: most, posted_credits: most, pending_debits: most, pending_credits: most };
  const account = () =>
    ({
      id: newId('account'),
      asset: 'USD',
      kind: 'liability',
      state: 'debits_frozen',
      overdraft: 'unbounded',
      overdraft_limit: most,
      ...counters,
      version: Number.MAX_SAFE_INTEGER,
    }) as const;
  const part = () => ({ kind: 'split', account: newId('account'), amount: most }) as const;
  const url = `https://bank.example/${'u'.repeat(1_900)}`;
  const facts = {
    id: newId('payment'),
    source: newId('account'),
    destination: newId('account'),
    amount: most,
    asset: 'USD',
    method: { type: 'card', token: 't'.repeat(100), brand: 'visa', country: 'DE' },
    reference: 'r'.repeat(255),
    created_at: time,
    customer: newId('customer'),
    retry_of: newId('payment'),
    breakdown: Array.from({ length: 10 }, part),
  } as const;
  const payment: PaymentSnapshot = {
    ...facts,
    metadata: full({ ...facts, sequence: 1, capture: 'manual_multiple', expires_at: time, metadata: {} }),
    status: 'partially_captured',
    amount_captured: most,
    amount_refunded: most,
    amount_authorized: most,
    failure: null,
    version: 9,
    updated_at: time,
    accounts: Array.from({ length: 20 }, account),
    capture: 'manual_multiple',
    next_action: { type: 'redirect', url },
    authorized_until: time,
  };
  const TYPES = Object.keys(MESSAGES).filter((type) => MESSAGES[type as MessageType].topic === 'payments.events.v1');

  it.each(TYPES.filter((type) => /^payflow\.payment\./.test(type)))('may be as large as its command: %s', (type) => {
    const outgoing = { type, subject: payment.id, data: payment, origin } as AnyOutgoing;
    expect(finish(outgoing, time, undefined, 2).value.length).toBeGreaterThan(0);
  });

  const ENDED = TYPES.filter((type) => /^payflow\.(confirmation|increment|capture|cancellation|refund)\./.test(type));
  it.each(ENDED)('may be as large as both commands: %s', (type) => {
    const [, kind = '', status] = type.split('.');
    const data = {
      id: newId(kind as 'refund'),
      kind,
      status,
      amount: most,
      failure: null,
      reason: 'w'.repeat(255),
      metadata: full({ id: payment.id, sequence: 9, operation: payment.id, created_at: time, metadata: {} }),
      command: newId('event'),
      payment,
      version: 9,
      created_at: time,
      updated_at: time,
    };
    const outgoing = { type, subject: data.id, data, origin } as unknown as AnyOutgoing;
    expect(Buffer.byteLength(finish(outgoing, time, undefined, 2).value)).toBeGreaterThan(120_000);
  });
});

describe('tallies', () => {
  it('are equal for the same ids in any order, and differ for others', () => {
    const ids = Array.from({ length: 1_000 }, () => newId('event'));
    expect(tallyOf(ids.toReversed())).toEqual(tallyOf(ids));
    expect(tallyOf(ids.slice(1))).not.toEqual(tallyOf(ids));
    expect(tallyOf([...ids.slice(1), newId('event')])).not.toEqual(tallyOf(ids));
  });

  it('count an id on the day inside it', () => {
    // UUIDv7 of 2026-11-20T23:59:59.999Z and of the next millisecond.
    const at = (millis: number) => `${millis.toString(16).padStart(12, '0')}7abc8abc000000000001`;
    const days = [Date.UTC(2026, 10, 21) - 1, Date.UTC(2026, 10, 21)].map((millis) => eventId(at(millis)));
    expect([...talliesByDay(days)]).toEqual([
      ['2026-11-20', { messages: 1, idSum: 1 }],
      ['2026-11-21', { messages: 1, idSum: 1 }],
    ]);
  });
});

function eventId(hex: string): string {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
  let rest = BigInt(`0x${hex}`);
  let digits = '';
  for (let at = 0; at < 26; at++, rest >>= 5n) digits = alphabet.charAt(Number(rest & 31n)) + digits;
  return `evt_${digits}`;
}
