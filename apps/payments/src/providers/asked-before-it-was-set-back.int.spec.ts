import { connectorFields, connectorsOf, type Connector } from '@payflow/connectors';
import { uuidOf } from '@payflow/contracts';
import { sandboxConfiguration } from '@payflow/sandbox/config';
import { startSandboxServer, type RunningSandbox } from '@payflow/sandbox/server';
import { readConfiguration } from '@payflow/service';
import { configureLogging } from '@payflow/telemetry';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { attemptsStage, type AttemptsStage } from '../testing/attempts-stage.js';
import { deskOver } from '../testing/scripted-provider.js';
import type { NewAttempt } from './attempt.js';

configureLogging({ level: 'silent' });

const API_KEY = 'payflow-development-cards-api-key';

let stage: AttemptsStage;
let sandbox: RunningSandbox;
let connectors: readonly Connector[];
beforeAll(async () => {
  stage = await attemptsStage();
  sandbox = await startSandboxServer(
    readConfiguration(sandboxConfiguration, { NODE_ENV: 'test', PORT: '0', OTEL_TRACES_EXPORTER: 'none' }),
  );
  const names = { NODE_ENV: 'test', CARDS_URL: sandbox.url, CARDS_API_KEY: API_KEY };
  connectors = connectorsOf(readConfiguration({ service: 'spec', fields: connectorFields, rules: [] }, names)).filter(
    ({ name }) => name === 'cards',
  );
});
afterAll(async () => {
  await Promise.all(connectors.map((connector) => connector.close()));
  await sandbox.stop();
  await stage.db.drop();
});

/** How often the acquirer has taken the payment's money, by its own books. */
async function charges({ tenant, payment }: NewAttempt): Promise<number> {
  const headers = { authorization: `Bearer ${API_KEY}` };
  const answer = await fetch(`${sandbox.url}/v1/books/${tenant}/test/${payment}`, { headers });
  const { data } = (await answer.json()) as { data: readonly { authorizations: number }[] };
  return data.reduce((sum, { authorizations }) => sum + authorizations, 0);
}

/** As the machine writes it down once more, of messages that come again: just before the payment's time is over, which it is by now. */
async function setBack({ id, payment }: NewAttempt): Promise<void> {
  const attempt = uuidOf('attempt', id);
  await stage.db.tamper(
    `update attempts set status = 'created', version = 0, connector = null, routing = null, sent_at = null, unknown_at = null,
       provider_reference = null, inquiries = 0, created_at = now() - interval '2 seconds' where id = '${attempt}'`,
  );
  await stage.db.tamper(`delete from attempt_transitions where attempt_id = '${attempt}'`);
  await stage.db.tamper(`delete from provider_evidence where attempt_id = '${attempt}'`);
  await stage.db.tamper(`delete from outbox`);
  await stage.db.tamper(
    `update payments set expires_at = now() - interval '1 second' where id = '${uuidOf('payment', payment)}'`,
  );
}

it.each([
  ['was charged before is found to be, and is charged once', true, { outcome: 'approved', connector: 'cards' }, 1],
  ['was never sent is not sent any more', false, { outcome: 'not_sent', code: 'payment_expired' }, 0],
])('a sale whose job runs after its time and that %s', async (_what, isSentBefore, answer, times) => {
  const { wishes, db, messaging } = stage;
  const { ask, inquire } = deskOver(db, messaging, connectors);
  const sale = await wishes.ask();
  if (isSentBefore) await ask(sale);
  expect(await charges(sale)).toBe(times);
  await setBack(sale);
  await ask(sale);
  expect(await wishes.answers(sale)).toEqual([]);
  await inquire(sale);
  expect(await wishes.answers(sale)).toMatchObject([{ attempt: sale.id, ...answer }]);
  expect(await charges(sale)).toBe(times);
});
