import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal, type Line } from './journal.js';

const accepted: Line = {
  kind: 'accepted',
  due: 5,
  scenario: 'late_success',
  wish: {
    type: 'sale',
    idempotencyKey: 'k',
    fingerprint: 'f',
    target: null,
    amount: 9_007_199_254_740_993n,
    currency: 'USD',
    merchantReference: 'r',
    token: 'tok_visa',
    isFinal: false,
    evidence: { amount: '12', bigint: '13' },
  },
};

describe('a journal', () => {
  let dir = '';
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'payflow-sandbox-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  it('reads back what was written, sums to the unit', () => {
    const path = join(dir, 'new', 'journal.ndjson');
    openJournal(path).append(accepted);
    expect(openJournal(path).read()).toEqual([accepted]);
  });

  it('drops half a line, and goes on after the whole ones', () => {
    const path = join(dir, 'journal.ndjson');
    const first = openJournal(path);
    first.append(accepted);
    appendFileSync(path, '{"kind":"to');
    const second = openJournal(path);
    second.append({ kind: 'told', event: 'evt_1' });
    expect(second.read()).toEqual([accepted, { kind: 'told', event: 'evt_1' }]);
    second.clear();
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  it('without a file keeps nothing', () => {
    const journal = openJournal(undefined);
    journal.append(accepted);
    expect(journal.read()).toEqual([]);
  });
});
