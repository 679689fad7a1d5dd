import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseYaml } from '@redocly/openapi-core';
import { SERVICES } from '@payflow/contracts';
import { archiverConfiguration } from '@payflow/archiver/config';
import { gatewayConfiguration } from '@payflow/gateway/config';
import { ledgerConfiguration } from '@payflow/ledger/config';
import { monitoringConfiguration } from '@payflow/monitoring/config';
import { paymentsConfiguration } from '@payflow/payments/config';
import { sandboxConfiguration } from '@payflow/sandbox/config';
import { readConfiguration } from '@payflow/service';
import { describe, expect, it } from 'vitest';

import { checkoutDir, serviceNodeArgs } from './local/index.mjs';

const textOf = (path) => readFileSync(join(checkoutDir, path), 'utf8');
const text = textOf('docker-compose.yml');
const { services } = parseYaml(text);
/** A container's environment as Compose makes it of these settings, and of the defaults of those that are not set. */
const environmentOf = (container, settings = {}) =>
  Object.fromEntries(
    Object.entries(services[container].environment).map(([name, value]) => [
      name,
      String(value).replaceAll(/\$\{(\w+):-([^}]*)\}/g, (_, setting, usual) => settings[setting] ?? usual),
    ]),
  );
const ofOnesOwn = {
  PAYFLOW_INTERNAL_SECRET: 'a secret that nobody finds in a repository',
  PAYFLOW_LEDGER_SIGNING_KEY: 'a key that nobody finds in a repository',
};

const five = [
  gatewayConfiguration,
  paymentsConfiguration,
  ledgerConfiguration,
  archiverConfiguration,
  monitoringConfiguration,
];

describe('the compose file', () => {
  it.each(five)("tells $service all that production needs, with secrets of one's own", (configuration) => {
    const environment = environmentOf(configuration.service, ofOnesOwn);
    expect(readConfiguration(configuration, { ...environment, NODE_ENV: 'production' })).toMatchObject({
      PAYFLOW_INTERNAL_SECRET: ofOnesOwn.PAYFLOW_INTERNAL_SECRET,
    });
    expect(() => readConfiguration(configuration, environmentOf(configuration.service))).not.toThrow();
  });

  it('tells the sandbox all that it has no usable default for', () => {
    const read = readConfiguration(sandboxConfiguration, environmentOf('sandbox'));
    expect(read).toMatchObject({
      SANDBOX_API_KEY: environmentOf('payments').CARDS_API_KEY,
      SANDBOX_WEBHOOK_SECRET: environmentOf('gateway').CARDS_WEBHOOK_SECRET,
    });
  });

  it('starts every service, and shows where it answers once it does', () => {
    const { demo } = services;
    const shown = [...textOf('deploy/compose/first-payment.mjs').matchAll(/^ {2}(\w+): '(\w+)',$/gm)];
    expect(new Map(shown.map(([, service, port]) => [service, demo.environment[port]]))).toEqual(
      new Map(SERVICES.map((service) => [service, services[service]?.ports[0].split(':').slice(1, -1).join(':')])),
    );
    for (const service of SERVICES) expect(demo.depends_on[service]).toEqual({ condition: 'service_healthy' });
  });

  it('sets nothing that no service reads any more', () => {
    const read = new Set([...five, sandboxConfiguration].flatMap(({ fields }) => Object.keys(fields)));
    const ofOpenTelemetry = ['OTEL_BSP_SCHEDULE_DELAY'];
    const set = [...five, sandboxConfiguration].flatMap(({ service }) => Object.keys(environmentOf(service)));
    expect(set.filter((name) => !read.has(name) && !ofOpenTelemetry.includes(name))).toEqual([]);
  });

  it('tells its containers what `npm start` tells its processes', () => {
    const sources = ['services.mjs', 'sandbox.mjs', 'traces/tracing.mjs'].map((file) =>
      textOf(`tools/launcher/${file}`),
    );
    const told = new Set(sources.flatMap((source) => source.match(/\b[A-Z]+_[A-Z_]+(?=:)/g)));
    // The stand-in for Jaeger reads JSON alone, and nobody here chooses the older exporter.
    for (const name of ['OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_JAEGER_ENDPOINT']) told.delete(name);
    const set = new Set(Object.values(services).flatMap(({ environment }) => Object.keys(environment ?? {})));
    expect([...told]).toEqual(expect.arrayContaining(['PAYFLOW_INTERNAL_SECRET', 'REDIS_URL', 'SANDBOX_JOURNAL']));
    expect([...told].filter((name) => !set.has(name))).toEqual([]);
  });

  it('keeps what outlives a container in volumes that it declares', () => {
    const declared = Object.keys(parseYaml(text).volumes);
    const mounted = Object.values(services).flatMap(({ volumes = [] }) => volumes.map((each) => each.split(':')[0]));
    expect(new Set(mounted)).toEqual(new Set(declared));
    for (const container of ['setup', 'demo', 'payflow'])
      expect(services[container].volumes).toContain(`state:${environmentOf(container).PAYFLOW_STATE_DIR}`);
    const [, place] = services.sandbox.volumes[0].split(':');
    expect(environmentOf('sandbox').SANDBOX_JOURNAL.startsWith(`${place}/`)).toBe(true);
    expect(textOf('deploy/Dockerfile')).toContain(`--owner=1000 --group=1000 --mode=0700 ${place}\n`);
  });

  it('has each of its settings explained', () => {
    const explained = new Set(
      [...textOf('deploy/README.md').matchAll(/`([A-Z_]+)(?:\{([A-Z,]+)\})?([A-Z_]*)`/g)].flatMap(
        ([, before, between = '', after]) => between.split(',').map((part) => `${before}${part}${after}`),
      ),
    );
    const settings = new Set([...text.matchAll(/\$\{(\w+):-/g)].map(([, name]) => name));
    expect(settings.size).toBeGreaterThan(20);
    expect([...settings].filter((name) => !explained.has(name))).toEqual([]);
  });
});

it('runs Node in the image as `npm start` does', () => {
  const entry = /^ENTRYPOINT (\[.*\])$/m.exec(textOf('deploy/Dockerfile'))?.[1] ?? '[]';
  expect(JSON.parse(entry)).toEqual(['node', ...serviceNodeArgs]);
});
