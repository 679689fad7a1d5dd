import { describe, expect, it } from 'vitest';
import { compareTallies, tellMismatch } from './compare.js';
import type { TallyReport } from './report.js';

const day = '2026-11-21';
const nothing: TallyReport = { sent: [], received: [], set_aside: [], archived: [] };
const tally = (messages: number, id_sum: number, on = day) => ({ day: on, messages, id_sum });
const commands = { group: 'ledger.commands', topic: 'ledger.commands.v1' };

const gateway: TallyReport = { ...nothing, sent: [{ topic: commands.topic, ...tally(2, 30) }] };
const payments: TallyReport = { ...nothing, sent: [{ topic: commands.topic, ...tally(3, 2 ** 48 - 10) }] };
const ledger = (...received: ReturnType<typeof tally>[]): TallyReport => ({
  ...nothing,
  received: received.map((one) => ({ ...commands, ...one })),
});

describe('sent against received', () => {
  it('agrees when a reader applied what all publishers of its topic sent', () => {
    expect(compareTallies([gateway, payments, ledger(tally(5, 20))])).toEqual([]);
  });

  it('names what is missing, and what is too many', () => {
    expect(compareTallies([gateway, payments, ledger(tally(4, 15))])).toEqual([
      { ...commands, day, missing_messages: 1, missing_id_sum: 5 },
    ]);
    expect(compareTallies([ledger(tally(1, 7))])).toEqual([
      { ...commands, day, missing_messages: -1, missing_id_sum: 2 ** 48 - 7 },
    ]);
  });

  it('sees one message lost and another doubled, though the count is right', () => {
    expect(compareTallies([gateway, payments, ledger(tally(5, 21))])).toMatchObject([
      { missing_messages: 0, missing_id_sum: 2 ** 48 - 1 },
    ]);
  });

  it('compares each day by itself', () => {
    expect(
      compareTallies([gateway, payments, ledger(tally(5, 20), tally(1, 1, '2026-11-20'))]).map(
        (mismatch) => mismatch.day,
      ),
    ).toEqual(['2026-11-20']);
  });

  it('takes what was parked and dead-lettered for received', () => {
    const aside = (kind: 'parked' | 'dead_lettered', one: ReturnType<typeof tally>) => ({
      ...{ ...commands, kind, type: null, ...one },
    });
    const reader: TallyReport = {
      ...ledger(tally(3, 10)),
      set_aside: [aside('parked', tally(1, 4)), aside('dead_lettered', tally(1, 6))],
    };
    expect(compareTallies([gateway, payments, reader])).toEqual([]);
  });

  it('takes an undecodable record for a damaged one of ours, or for one that nobody sent', () => {
    const undecodable = { ...commands, kind: 'undecodable' as const, type: null, ...tally(1, 5) };
    expect(compareTallies([gateway, payments, { ...ledger(tally(5, 20)), set_aside: [undecodable] }])).toEqual([]);
    expect(compareTallies([gateway, payments, { ...ledger(tally(4, 15)), set_aside: [undecodable] }])).toEqual([]);
    expect(compareTallies([gateway, payments, { ...ledger(tally(4, 16)), set_aside: [undecodable] }])).toHaveLength(1);
  });

  it('holds the reader of commands against all that was sent, whatever types it lists', () => {
    const topic = 'payments.commands.v1';
    const sender: TallyReport = { ...nothing, sent: [{ topic, ...tally(2, 20) }] };
    const reader = (messages: number): TallyReport => ({
      ...nothing,
      received: [{ group: 'payments.commands', topic, ...tally(messages, messages * 10) }],
    });
    expect(compareTallies([sender, reader(2)])).toEqual([]);
    expect(compareTallies([sender, reader(1)])).toMatchObject([{ group: 'payments.commands', missing_messages: 1 }]);
  });

  it('holds a reader of some types against what the archiver stored of them', () => {
    const topic = 'ledger.events.v1';
    const archived = (type: string, one: ReturnType<typeof tally>) => ({ topic, type, ...one });
    const sender: TallyReport = { ...nothing, sent: [{ topic, ...tally(6, 60) }] };
    const archiver: TallyReport = {
      ...nothing,
      received: [{ group: 'archiver.ledger', topic, ...tally(6, 60) }],
      archived: [
        archived('payflow.transfer.posted.v1', tally(3, 30)),
        archived('payflow.transfer.rejected.v1', tally(1, 10)),
        archived('payflow.account.opened.v1', tally(2, 20)),
      ],
    };
    const reader: TallyReport = {
      ...nothing,
      received: [
        { group: 'payments.verdicts', topic, ...tally(4, 40) },
        { group: 'gateway.accounts', topic, ...tally(1, 10) },
      ],
    };
    expect(compareTallies([sender, archiver, reader])).toEqual([
      { group: 'gateway.accounts', topic, day, missing_messages: 1, missing_id_sum: 10 },
    ]);
  });

  it('holds no other reader to account for what the archiver has set aside', () => {
    const topic = 'ledger.events.v1';
    const sender: TallyReport = { ...nothing, sent: [{ topic, ...tally(3, 30) }] };
    const dead = (type: string, one: ReturnType<typeof tally>) => ({
      ...{ group: 'archiver.ledger', topic, kind: 'dead_lettered' as const, type, ...one },
    });
    const archiver: TallyReport = {
      ...nothing,
      received: [{ group: 'archiver.ledger', topic, ...tally(1, 10) }],
      archived: [{ topic, type: 'payflow.transfer.posted.v1', ...tally(1, 10) }],
      set_aside: [dead('payflow.transfer.posted.v1', tally(1, 8)), dead('payflow.account.opened.v1', tally(1, 12))],
    };
    const reader = (verdicts: ReturnType<typeof tally>): TallyReport => ({
      ...nothing,
      received: [
        { group: 'payments.verdicts', topic, ...verdicts },
        { group: 'gateway.accounts', topic, ...tally(1, 12) },
      ],
    });
    expect(compareTallies([sender, archiver, reader(tally(2, 18))])).toEqual([]);
    expect(compareTallies([sender, archiver, reader(tally(1, 10))])).toMatchObject([
      { group: 'payments.verdicts', missing_messages: 1, missing_id_sum: 8 },
    ]);
  });
});

it.each([
  [1, 5, ': 1 missing, a message whose UUID ends in 000000000005'],
  [-1, 2 ** 48 - 7, ': -1 missing, a message whose UUID ends in 000000000007'],
  [2, 12, ': 2 missing'],
])('a mismatch of %i is told with what names the message', (missing_messages, missing_id_sum, told) => {
  const mismatch = { group: 'ledger.commands', topic: commands.topic, day, missing_messages, missing_id_sum } as const;
  expect(tellMismatch(mismatch)).toBe(`ledger.commands ${day}${told}`);
});
