import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfiguration, readConfiguration } from '@payflow/service';
import { configureLogging } from '@payflow/telemetry';
import { expect, it } from 'vitest';
import {
  CONNECTORS,
  connectorFields,
  connectorNamed,
  connectorsOf,
  connectorWebhookFields,
  webhookReadersOf,
} from './registry.js';

configureLogging({ level: 'silent' });

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const read = (env: NodeJS.ProcessEnv) =>
  readConfiguration(defineConfiguration('spec', { ...connectorFields, ...connectorWebhookFields }), env);

it('has each name once, as metrics, columns and events write it', () => {
  const names = CONNECTORS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9_]{1,31}$/);
});

it.each(CONNECTORS.map(({ name, open }) => [name, CONNECTORS.find((rail) => rail.open === open)?.name as string]))(
  'has the contract of connectors tried on %s, in the folder of its rail',
  (_name, rail) => {
    const folder = fileURLToPath(new URL(`${rail}/`, import.meta.url));
    const specs = readdirSync(folder).filter((file) => /\.contract(\.int)?\.spec\.ts$/.test(file));
    expect(specs.map((file) => /^keepsTheContract\w*\(/m.test(readFileSync(`${folder}${file}`, 'utf8')))).toContain(
      true,
    );
  },
);

it('leaves out what is not configured, and says so', async () => {
  const lines: string[] = [];
  configureLogging({ level: 'info', stream: { write: (line) => void lines.push(line) } });
  const connectors = connectorsOf(
    read({ CARDS_URL: 'http://127.0.0.1:9', CARDS_API_KEY: 'key', CARDS_B_URL: 'http://127.0.0.1:9' }),
  );
  configureLogging({ level: 'silent' });
  expect(connectors.map(({ name }) => name)).toEqual(['internal', 'cards']);
  expect(connectorNamed(connectors, 'cards_b')).toBeUndefined();
  const absent = lines.map((line) => JSON.parse(line) as { connector: string; missing: string[] });
  expect(absent).toHaveLength(CONNECTORS.length - connectors.length);
  expect(absent).toContainEqual(expect.objectContaining({ connector: 'cards_b', missing: ['CARDS_B_API_KEY'] }));
  await Promise.all(connectors.map((connector) => connector.close()));
});

it('opens the same rail twice, each with what is its own', async () => {
  const connectors = connectorsOf(
    read({
      CARDS_URL: 'http://127.0.0.1:9',
      CARDS_API_KEY: 'key',
      CARDS_B_URL: 'http://127.0.0.1:10',
      CARDS_B_API_KEY: 'other',
      CARDS_B_MODE: 'live',
      CARDS_B_HTTP2: 'true',
      CARDS_B_WEBHOOK_SECRET: secret,
    }),
  );
  expect(connectors.map(({ name, mode, webhooks }) => [name, mode, webhooks !== null])).toEqual([
    ['internal', undefined, false],
    ['cards', 'both', false],
    ['cards_b', 'live', true],
  ]);
  // Ten connections, with ten calls each over HTTP/2, and a hundred that wait.
  expect(connectors.map(({ places }) => places)).toEqual([undefined, 110, 200]);
  await Promise.all(connectors.map((connector) => connector.close()));
});

it('reads webhooks where there is a secret, and needs no key to the provider for it', () => {
  const gateway = readConfiguration(defineConfiguration('spec', connectorWebhookFields), {
    CARDS_WEBHOOK_SECRET: secret,
  });
  expect(Object.keys(gateway)).not.toContain('CARDS_API_KEY');
  expect([...webhookReadersOf(gateway).keys()]).toEqual(['cards']);
});
