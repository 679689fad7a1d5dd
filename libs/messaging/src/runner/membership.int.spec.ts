import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, accountRejected, effectHandler, until } from '@payflow/testing';
import { expect, it } from 'vitest';

configureLogging({ level: 'silent' });

it('two members share a load while one comes and one goes, each message applied once', async () => {
  const kit = await ReaderKit.open('gateway.accounts');
  const sent: string[] = [];
  const sendMore = async () => {
    const messages = Array.from({ length: 100 }, () => accountRejected());
    sent.push(...messages.map(({ id }) => id));
    await kit.send(messages);
  };
  const sendUntil = async (what: string, condition: () => Promise<boolean>) =>
    until(what, async () => {
      await sendMore();
      return condition();
    });
  const first = await kit.start({ handle: effectHandler('first') });
  await sendUntil('the first is at work', async () => (await kit.effects()).length > 300);
  const joining = kit.start({ handle: effectHandler('second') });
  await sendUntil('the second has its part', async () =>
    (await kit.effects()).some(({ writer }) => writer === 'second'),
  );
  await joining;
  const stopping = kit.stop(first);
  await sendUntil('there is enough', async () => sent.length >= 3_000);
  await stopping;
  await kit.untilRead(40_000);
  const effects = await kit.effects();
  expect(effects.map(({ eventId }) => eventId).sort()).toEqual(sent.sort());
  await kit.close();
});
