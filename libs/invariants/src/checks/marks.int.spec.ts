import { newId, uuidOf } from '@payflow/contracts';
import { MessagingTables1763700000000, tallyOf } from '@payflow/messaging';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkInvariant } from '../check.js';
import { InvariantTables1763700002000 } from '../database/invariant-tables.js';
import { oneMarkPerMessage } from './marks.js';

const GROUP = 'monitoring.payments';
const today = new Date().toISOString().slice(0, 10);

describe('I20 of a service that marks in its inbox', () => {
  let db: TestDatabase;
  const check = oneMarkPerMessage('monitoring');
  const found = async () => {
    const [running, full] = [
      await checkInvariant(db.database, check, 'running'),
      await checkInvariant(db.database, check, 'full'),
    ];
    expect(full.sample).toEqual(running.sample);
    return running.sample;
  };
  const mark = (id: string) =>
    db.tamper(
      `insert into inbox (consumer_group, event_id, content_hash) values ('${GROUP}', '${uuidOf('event', id)}', 0)`,
    );

  beforeAll(async () => {
    db = await createTestDatabase('monitoring', [MessagingTables1763700000000, InvariantTables1763700002000]);
    const ids = [newId('event'), newId('event')];
    for (const id of ids) await mark(id);
    const { messages, idSum } = tallyOf(ids);
    // Two partitions, as the runner counts them.
    await db.tamper(
      `insert into received_tallies values ('${GROUP}', 't', 0, '${today}', 1, 7), ('${GROUP}', 't', 1, '${today}', ${messages - 1}, ${idSum - 7})`,
    );
  });
  afterAll(() => db.drop());

  it('holds where each message has its mark', async () => {
    expect(await found()).toEqual([]);
  });

  it('sees a mark without its message', async () => {
    const id = newId('event');
    await mark(id);
    expect(await found()).toEqual([`inbox/${GROUP}/${today}: 3 marks for 2 messages`]);
    await db.tamper(`delete from inbox where event_id = '${uuidOf('event', id)}'`);
    expect(await found()).toEqual([]);
  });

  it('sees a message without its mark, and one that bears the mark of another', async () => {
    await db.tamper(`update received_tallies set messages = messages + 1 where partition = 0`);
    expect(await found()).toEqual([`inbox/${GROUP}/${today}: 2 marks for 3 messages`]);
    await db.tamper(`update received_tallies set messages = messages - 1, id_sum = id_sum + 1 where partition = 0`);
    expect(await found()).toEqual([`inbox/${GROUP}/${today}: 2 marks for 2 messages`]);
    await db.tamper(`update received_tallies set id_sum = id_sum - 1 where partition = 0`);
    expect(await found()).toEqual([]);
  });

  it('leaves a day with very many messages to the full check', async () => {
    await db.tamper(`update received_tallies set messages = messages + 200000 where partition = 0`);
    expect((await checkInvariant(db.database, check, 'running')).sample).toEqual([]);
    expect((await checkInvariant(db.database, check, 'full')).violations).toBe(1);
    await db.tamper(`update received_tallies set messages = messages - 200000 where partition = 0`);
  });
});
