import { connectorFields, connectorsOf, type Connector, type ProviderRequest } from '@payflow/connectors';
import { newId, uuidOf } from '@payflow/contracts';
import { sandboxConfiguration } from '@payflow/sandbox/config';
import { startSandboxServer, type RunningSandbox } from '@payflow/sandbox/server';
import { readConfiguration } from '@payflow/service';
import { configureLogging } from '@payflow/telemetry';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { attemptsStage, type AttemptsStage } from '../testing/attempts-stage.js';
import { deskOver } from '../testing/scripted-provider.js';
import { merchantReferenceOf, type NewAttempt } from './attempt.js';

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

/** As the machine writes it down once more, of messages that come again. */
async function setBack({ id }: NewAttempt): Promise<void> {
  const attempt = uuidOf('attempt', id);
  await stage.db.tamper(
    `update attempts set status = 'created', version = 0, connector = null, routing = null, sent_at = null, unknown_at = null,
       provider_reference = null, inquiries = 0, created_at = now() - interval '2 seconds' where id = '${attempt}'`,
  );
  await stage.db.tamper(`delete from attempt_transitions where attempt_id = '${attempt}'`);
  await stage.db.tamper(`delete from provider_evidence where attempt_id = '${attempt}'`);
  await stage.db.tamper(`delete from outbox`);
}

/** Written down just before the payment's time was over, which it is by now. */
async function runOut({ payment }: NewAttempt): Promise<void> {
  await stage.db.tamper(
    `update payments set expires_at = now() - interval '1 second' where id = '${uuidOf('payment', payment)}'`,
  );
}

/** The answer of before was heard ahead of the job: it is in a topic still. */
async function hearOf({ payment, operation }: NewAttempt): Promise<void> {
  await stage.db.tamper(`update payments set connector = 'cards' where id = '${uuidOf('payment', payment)}'`);
  await stage.db.tamper(`update payment_operations set status = 'succeeded' where id = '${operation}'`);
}

/** Takes all that is set aside, as was done when the database knew of it. */
async function capture({ tenant, livemode, payment, amount, asset }: NewAttempt, reference: string): Promise<void> {
  const wish: ProviderRequest = {
    action: 'capture',
    idempotencyKey: newId('attempt'),
    merchantReference: merchantReferenceOf({ tenant, livemode }, payment),
    ...{ amount: String(amount), asset, reference },
  };
  const { signal } = new AbortController();
  expect(await connectors[0]?.ask(wish, { signal })).toMatchObject({ outcome: 'approved' });
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
  await runOut(sale);
  await ask(sale);
  expect(await wishes.answers(sale)).toEqual([]);
  await inquire(sale);
  expect(await wishes.answers(sale)).toMatchObject([{ attempt: sale.id, ...answer }]);
  expect(await charges(sale)).toBe(times);
});

it.each([
  ['after its time', runOut],
  ['after its old answer was heard', hearOf],
])(
  'an authorization that was captured since, and whose job runs %s, is found to have been approved',
  async (_when, comesToPass) => {
    const { wishes, db, messaging } = stage;
    const { ask, inquire } = deskOver(db, messaging, connectors);
    const authorization = await wishes.ask({ action: 'authorize' });
    await ask(authorization);
    const reference = (await wishes.answers(authorization))[0]?.provider_reference as string;
    await capture(authorization, reference);
    await setBack(authorization);
    await comesToPass(authorization);
    await ask(authorization);
    expect(await wishes.answers(authorization)).toEqual([]);
    await inquire(authorization);
    expect(await wishes.answers(authorization)).toMatchObject([
      { attempt: authorization.id, outcome: 'approved', connector: 'cards', provider_reference: reference },
    ]);
    expect(await charges(authorization)).toBe(1);
  },
);
