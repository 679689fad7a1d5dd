import { describe, expect, it } from 'vitest';
import type { RawRecord } from '../broker/port.js';
import { packRows } from '../outbox/rows.js';
import { deadLetter } from './dead-letter.js';

const place = { group: 'ledger.commands', topic: 'ledger.commands.v1', partition: 1 };
const cause = { errorClass: 'undecodable', errorMessage: 'not_json', attempts: 1 };
const now = new Date('2026-11-21T08:00:00.000Z');

function record(change: Partial<RawRecord>): RawRecord {
  return {
    offset: 42,
    key: Buffer.from('k'),
    value: Buffer.from('v'),
    headers: {},
    timestamp: '1795248000000',
    ...change,
  };
}

describe('the copy of a dead letter', () => {
  it('tells where the record came from, what is wrong, and its bytes', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { topic, value } = deadLetter(place, record({ headers: { ce_id: 'evt_x', traceparent } }), cause, now);
    expect(topic).toBe('dlq.ledger.commands.v1.ledger.commands');
    expect(JSON.parse(value)).toEqual({
      origin: { topic: 'ledger.commands.v1', partition: 1, offset: 42, timestamp: '1795248000000' },
      error: { class: 'undecodable', message: 'not_json' },
      attempts: 1,
      first_at: '2026-11-21T08:00:00.000Z',
      last_at: '2026-11-21T08:00:00.000Z',
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      record: {
        key_base64: Buffer.from('k').toString('base64'),
        key_bytes: 1,
        value_base64: Buffer.from('v').toString('base64'),
        value_bytes: 1,
        headers: { ce_id: 'evt_x', traceparent },
      },
    });
  });

  it('fits a request whatever the record holds, and whatever was said of it', () => {
    const hostile = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`x-${at}`, Buffer.alloc(1_000, 1)]));
    const large = record({
      key: Buffer.alloc(1_000_000, 1),
      value: Buffer.alloc(1_000_000, 1),
      headers: {
        ...hostile,
        ce_subject: 's'.repeat(100_000),
        ce_id: Buffer.from('evt_\0'),
        again: [Buffer.from('a'), 'b'],
      },
    });
    const [packed] = packRows([
      deadLetter(place, large, { ...cause, errorMessage: 'says \0 €'.repeat(1_000_000) }, now),
    ]);
    expect(packed?.bytes).toBeLessThan(900_000);
    expect(packed?.row.messages).not.toContain('\\u0000');
  });

  it('keeps our own headers first', () => {
    const headers = {
      ...Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`a-${at}`, 'x'])),
      ce_type: 'payflow.account.open.v1',
    };
    const { value } = deadLetter(place, record({ headers }), cause, now);
    const { record: copied } = JSON.parse(value) as { record: { headers: Record<string, string> } };
    expect(copied.headers['ce_type']).toBe('payflow.account.open.v1');
    expect(Object.keys(copied.headers).length).toBe(64);
  });
});
