import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, effectHandler, openAccount, until } from '@payflow/testing';
import { Client, escapeIdentifier } from 'pg';
import { expect, it } from 'vitest';
import { listParked } from '../parking/parking.repository.js';

configureLogging({ level: 'silent' });

/** Takes the database away from everyone, or gives it back: what a restart of the server looks like from one database. */
async function setReachable(kit: ReaderKit, isReachable: boolean): Promise<void> {
  const url = new URL(kit.tables.adminUrl);
  const database = url.pathname.slice(1);
  url.pathname = '/postgres';
  const admin = new Client({ connectionString: url.toString() });
  await admin.connect();
  await admin.query(`alter database ${escapeIdentifier(database)} with allow_connections ${isReachable}`);
  if (!isReachable)
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [database]);
  await admin.end();
}

it('a database that goes away is waited for: while claiming, inside a batch, between batches', async () => {
  const kit = await ReaderKit.open('ledger.commands');
  let batches = 0;
  const handle = effectHandler('a', () => {
    batches++;
  });
  const messages = Array.from({ length: 600 }, () => openAccount());

  // Gone before anything was claimed.
  const messaging = kit.messaging();
  await messaging.start();
  await setReachable(kit, false);
  await kit.send(messages.slice(0, 200));
  await messaging.subscribe(kit.group, { handle });
  await until('it is ready though it can apply nothing', () => messaging.health.consuming);
  await setReachable(kit, true);
  await kit.effectsWhen(200);

  // Gone under load.
  const sending = (async () => {
    for (let at = 200; at < 600; at += 20) await kit.send(messages.slice(at, at + 20));
  })();
  await until('some are applied', async () => (await kit.effects()).length > 220);
  await setReachable(kit, false);
  await sending;
  await setReachable(kit, true);
  await kit.untilRead(40_000);
  const effects = await kit.effects();
  expect(effects.map(({ eventId }) => eventId).sort()).toEqual(messages.map(({ id }) => id).sort());
  expect(await listParked(kit.db)).toEqual([]);
  expect(batches).toBeGreaterThan(1);

  // Gone at the end: the drain does not wait for it.
  await setReachable(kit, false);
  const startedAt = performance.now();
  await kit.stop(messaging);
  expect(performance.now() - startedAt).toBeLessThan(15_000);
  await setReachable(kit, true);
  await kit.close();
});
