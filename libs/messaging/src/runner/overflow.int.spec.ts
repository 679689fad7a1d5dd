import { statement } from '@payflow/database';
import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { ReaderKit, effectHandler, openAccount, testMessage, until } from '@payflow/testing';
import { expect, it } from 'vitest';
import { requestParked } from '../parking/parking.repository.js';

configureLogging({ level: 'silent' });

// What 10,000 messages behind one poison leave, without sending them.
const FILL = statement(
  'spec.fill',
  `insert into parked_messages (consumer_group, tenant, record_key, topic, partition, record_offset, event_id, message)
   select consumer_group, tenant, record_key, topic, partition, -n, gen_random_uuid(), message
   from parked_messages, generate_series(1, 9999) as n`,
);
const EMPTY = statement('spec.empty', 'delete from parked_messages where record_offset < 0');

it('more than 10,000 messages behind one subject stop the partition, which an operator can still set free', async () => {
  const kit = await ReaderKit.open('ledger.commands');
  const poison = openAccount();
  let isBroken = true;
  const handle = effectHandler('a', (messages) => {
    if (isBroken && messages.some(({ key }) => key === poison.key)) throw new TypeError('a bug');
  });
  await kit.start({ handle });
  await kit.send([poison]);
  await kit.untilRead();
  await kit.db.count(FILL);
  const behind = testMessage(poison.type, poison.data);
  await kit.send([behind]);
  const stopped = await until('the partition is stopped', async () =>
    (await kit.positions()).find(({ stoppedReason }) => stoppedReason !== null),
  );
  expect(stopped.stoppedReason).toMatch(/^parked_overflow: 10001 messages wait behind/);
  await until('the gauge tells', async () =>
    /payflow_consumer_parked_messages\{group="ledger.commands"\} 10000/.test((await renderMetrics()).body),
  );

  isBroken = false;
  await kit.db.count(EMPTY);
  await requestParked(
    kit.db,
    { group: kit.group, tenant: poison.tenant, recordKey: poison.key },
    { state: 'releasing', actor: 'ops', reason: 'spec' },
  );
  const effects = await kit.effectsWhen(2, 45_000);
  expect(effects.map(({ eventId }) => eventId)).toEqual([poison.id, behind.id]);
  await kit.close();
}, 90_000);
