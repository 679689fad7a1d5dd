import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates, startSecuredKafka, type Server } from '@payflow/local-stack';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, openAccount, trustAuthority, uniqueSuffix } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BrokerOptions } from '../port.js';
import { kafkajsBroker } from './client.js';

configureLogging({ level: 'silent' });

const LOGIN = { user: 'payflow', password: 'p:w@rd-1' };
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

describe('a broker behind TLS and SASL', () => {
  const dir = mkdtempSync(join(tmpdir(), 'payflow-secured-'));
  let server: Server;
  let authority: string;
  let distrust: () => void = () => undefined;

  beforeAll(async () => {
    const certificates = await makeCertificates(join(dir, 'certificates'));
    ({ authority } = certificates);
    server = await startSecuredKafka({ dir: join(dir, 'kafka'), certificates, ...LOGIN });
  });
  afterEach(() => distrust());
  afterAll(async () => {
    await server.kill();
    rmSync(dir, { recursive: true, force: true });
  });

  function options(mechanism: (typeof MECHANISMS)[number], password = LOGIN.password): BrokerOptions {
    const prefix = uniqueSuffix();
    return {
      brokers: [`127.0.0.1:${server.ports['secured']}`],
      clientId: prefix,
      prefix: `${prefix}.`,
      ssl: true,
      sasl: { mechanism, username: LOGIN.user, password },
    };
  }

  async function brokersSeenBy(broker: BrokerOptions): Promise<number> {
    const admin = await kafkajsBroker(broker).admin();
    return admin.brokers().finally(() => admin.close());
  }

  it('takes topics, records and a consumer group', async () => {
    distrust = trustAuthority(authority);
    const kit = await ReaderKit.open('ledger.commands', options('scram-sha-512'));
    await kit.start();
    const messages = Array.from({ length: 20 }, () => openAccount());
    await kit.send(messages);
    const effects = await kit.effectsWhen(messages.length);
    expect(effects.map(({ eventId }) => eventId).sort()).toEqual(messages.map(({ id }) => id).sort());
    await kit.close();
  });

  it.each(MECHANISMS)('lets in who knows the password: %s', async (mechanism) => {
    distrust = trustAuthority(authority);
    expect(await brokersSeenBy(options(mechanism))).toBe(1);
  });

  it.each(MECHANISMS)('refuses a wrong password at once, and says so: %s', async (mechanism) => {
    distrust = trustAuthority(authority);
    await expect(brokersSeenBy(options(mechanism, 'wrong'))).rejects.toThrow(/^SASL .*authentication failed: /i);
  });

  it('is not spoken to under an authority that nobody trusts', async () => {
    await expect(brokersSeenBy(options('plain'))).rejects.toThrow(/unable to verify the first certificate/);
  });
});
