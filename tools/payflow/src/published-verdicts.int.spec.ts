import { fromUuid, newId, uuidOf } from '@payflow/contracts';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { unlikePublished } from './archived-events.js';
import { publishedVerdicts, verdictsNeverPublished } from './published-verdicts.js';
import { archived, databasesOf } from './testing/databases.js';

const tenant = uuidOf('tenant', newId('tenant'));
const MONTH = '2025-12';
const LONG_AGO = '2026-01-05T00:00:00Z';

const { ledger, archiver } = databasesOf('ledger', 'archiver');
beforeAll(() => archiver.query(`select ensure_archive_month('${LONG_AGO}')`));

interface Told {
  readonly type: string;
  readonly kind: 'account' | 'change' | 'hold' | 'transfer' | 'group' | 'period';
  readonly subject: string;
  readonly data: object;
  readonly event?: string;
  readonly causation?: string;
  readonly at?: string;
}

const event = () => uuidOf('event', newId('event'));

async function decided({ type, kind, subject, data, event: id = event(), causation = event() }: Told): Promise<void> {
  if (kind === 'period') {
    await ledger.query(
      `insert into periods (tenant_id, livemode, month, status, ends_at, closing_at, horizon, event_id, event_data, closed_xact_id)
       values ($1, false, $2, 'closed', now(), now(), '1', $3, $4, '1')`,
      [tenant, subject, id, JSON.stringify(data)],
    );
    return;
  }
  const made = 'transfer' in data ? String(data.transfer) : subject;
  const key = kind === 'change' ? causation : uuidOf(kind, made);
  await ledger.query(
    `insert into verdicts (tenant_id, livemode, kind, id, content_hash, command_id, event_id, event_type, event_data)
     values ($1, false, $2, $3, '\\x00', $4, $5, $6, $7)`,
    [tenant, kind, key, causation, id, type, JSON.stringify(data)],
  );
}

async function published({
  type,
  kind,
  subject,
  data,
  event: id = event(),
  causation = event(),
  at,
}: Told): Promise<void> {
  await archived(archiver, {
    tenant,
    livemode: false,
    event: id,
    topic: 'ledger',
    type,
    subject,
    causation: fromUuid('event', causation),
    data,
    ...(at === undefined ? {} : { at }),
    ...(kind === 'period' ? { actor: 'ledger/period-closer' } : {}),
  });
}

const account = newId('account');
const hold = newId('hold');
const [transfer, posting, group] = [newId('transfer'), newId('transfer'), newId('group')];
const opened = { id: account, overdraft_limit: '400', metadata: { a: 'b' } };
const TOLD: readonly Told[] = [
  { type: 'payflow.account.opened.v1', kind: 'account', subject: account, data: opened },
  { type: 'payflow.account.updated.v1', kind: 'change', subject: account, data: { ...opened, overdraft_limit: '500' } },
  { type: 'payflow.hold.placed.v1', kind: 'hold', subject: hold, data: { id: hold, amount: '60' } },
  { type: 'payflow.transfer.posted.v1', kind: 'transfer', subject: transfer, data: { id: transfer, amount: '7' } },
  {
    type: 'payflow.hold.posted.v1',
    kind: 'transfer',
    subject: hold,
    data: { id: hold, transfer: posting, transferred: '8' },
  },
  { type: 'payflow.group.posted.v1', kind: 'group', subject: group, data: { id: group, legs: [{ amount: '9' }] } },
  { type: 'payflow.asset.defined.v1', kind: 'change', subject: 'PTS', data: { id: 'PTS', scale: 0 } },
  { type: 'payflow.period.closed.v1', kind: 'period', subject: MONTH, data: { id: MONTH, hash: 'ab', totals: [] } },
  // Asked for again, as an answer.
  { type: 'payflow.period.closed.v1', kind: 'change', subject: MONTH, data: { id: MONTH, hash: 'ab', totals: [] } },
].map((each) => ({ ...each, event: event(), causation: event() }) as Told);

describe('the verdicts against what was published of them', () => {
  const found = () => unlikePublished(ledger.database, archiver.database, publishedVerdicts);
  beforeEach(async () => {
    await ledger.query('delete from verdicts; delete from periods');
    await archiver.query('delete from archived_events');
    for (const each of TOLD) {
      await decided(each);
      await published(each);
    }
    // The first word on an id stands, and is not contradicted by the refusal of another use of it.
    await published({
      type: 'payflow.transfer.rejected.v1',
      kind: 'transfer',
      subject: transfer,
      data: { reason: 'id_reused' },
    });
  });

  it('is the same', async () => {
    expect(await found()).toEqual([]);
  });

  it.each([
    [
      'an account that was opened on other terms',
      `update verdicts set event_data = replace(event_data, '"400"', '"4000"')`,
      account,
    ],
    ['a change that allows more', `update verdicts set event_data = replace(event_data, '"500"', '"5000"')`, account],
    ['a hold of another amount', `update verdicts set event_data = replace(event_data, '"60"', '"600"')`, hold],
    [
      'a unit of another scale',
      `update verdicts set event_data = replace(event_data, '"scale":0', '"scale":2')`,
      'PTS',
    ],
    ['a transfer of more', `update verdicts set event_data = replace(event_data, '"7"', '"70"')`, transfer],
    ["a hold's posting of more", `update verdicts set event_data = replace(event_data, '"8"', '"80"')`, hold],
    ['a leg of more', `update verdicts set event_data = replace(event_data, '"9"', '"90"')`, group],
    ['a month with another hash', `update periods set event_data = replace(event_data, '"ab"', '"cd"')`, MONTH],
  ])('finds %s', async (_, change, subject) => {
    await ledger.query(change);
    expect(await found()).toEqual([`${subject} is not what was published`]);
  });

  it.each([
    [
      'a change that nobody made any more',
      `delete from verdicts where event_type = 'payflow.account.updated.v1'`,
      account,
    ],
    [
      'an opening that answers another command',
      `update verdicts set command_id = gen_random_uuid() where kind = 'account'`,
      account,
    ],
    ['a hold that was never placed', `delete from verdicts where kind = 'hold'`, hold],
    ['a closing that was never told', `update periods set event_id = gen_random_uuid()`, MONTH],
  ])('finds %s', async (_, change, subject) => {
    await ledger.query(change);
    expect(await found()).toEqual([`${subject} was published and is gone`]);
  });

  it('finds what was changed in the archive', async () => {
    await archiver.query(`update archived_events set data = replace(data::text, '"7"', '"70"')::json`);
    expect(await found()).toEqual([`${transfer} is not what was published`]);
  });

  it('finds a change that was made up later, under an id of before the messages that are kept', async () => {
    const never = () => verdictsNeverPublished(ledger.database, archiver.database);
    const id = (at: string) =>
      `${BigInt(Date.parse(at))
        .toString(16)
        .padStart(12, '0')
        .replace(/^(.{8})/, '$1-')}-7000-8000-000000000001`;
    const change = { type: 'payflow.account.updated.v1', kind: 'change', subject: account, data: {} } as const;
    // The archive begins here, and what was told before is nothing that it could know.
    await published({ ...change, event: id(LONG_AGO), at: LONG_AGO });
    await decided({ ...change, event: id('2026-01-04T00:00:00Z') });
    expect(await never()).toEqual([]);
    const made = event();
    await decided({ ...change, event: id('2026-01-06T00:00:00Z'), causation: made });
    expect(await never()).toEqual([`verdicts/change/${made} was never published`]);
  });
});
