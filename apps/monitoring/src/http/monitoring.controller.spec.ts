import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SERVICES } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { CheckResults, INTERNAL_SECRET } from '@payflow/invariants';
import { DATABASE, ProblemFilter, signInternalToken } from '@payflow/service';
import { configureLogging } from '@payflow/telemetry';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Readable } from '../sampling/self-reader.js';
import { Watch } from '../watch.js';
import { MonitoringController } from './monitoring.controller.js';

configureLogging({ level: 'silent' });

const SECRET = 's'.repeat(32);
const READS = 2;
let asked = 0;
let free: () => void = () => undefined;
const freed = new Promise<void>((resolve) => (free = resolve));

/** A service that takes long to tell of its database. */
const slow = (service: Readable['service']): Readable => ({
  service,
  readiness: async () => ({ status: 'ready', reasons: [] }),
  positions: async () => [],
  invariants: async () => [],
  metrics: async () => '',
  statements: async () => [],
  databaseReport: async () => {
    asked += 1;
    await freed;
    throw new Error('not told');
  },
  tallies: () => Promise.reject(new Error('not told')),
});

@Module({
  controllers: [MonitoringController],
  providers: [
    { provide: INTERNAL_SECRET, useValue: SECRET },
    { provide: DATABASE, useValue: { pools: () => [{ purpose: 'reports', max: READS }] } },
    {
      provide: Watch,
      useValue: new Watch({
        database: { rows: async () => [] } as unknown as Database,
        messaging: { admin: () => Promise.reject(new Error('no broker here')) },
        results: new CheckResults([]),
        readers: SERVICES.map(slow),
        acknowledged: { look: () => Promise.reject(new Error('not told')) },
        partitions: 'single',
      }),
    },
  ],
})
class Monitoring {}

let app: NestFastifyApplication;
let base: string;

beforeAll(async () => {
  app = await NestFactory.create<NestFastifyApplication>(Monitoring, new FastifyAdapter(), { logger: false });
  app.useGlobalFilters(new ProblemFilter());
  await app.listen(0, '127.0.0.1');
  base = await app.getUrl();
});
afterAll(() => app.close());

const ask = async (path: string): Promise<number> => {
  const claims = { tenant: '', livemode: false, actor: 'spec', scopes: ['monitoring:read'] };
  const authorization = `Bearer ${signInternalToken(SECRET, claims, Date.now())}`;
  const answer = await fetch(`${base}/api/v1/monitoring/${path}`, { headers: { authorization } });
  await answer.arrayBuffer();
  return answer.status;
};

it('tells how all are while as many reports as it may make are slow', async () => {
  const reports = Array.from({ length: READS }, () => ask('database'));
  await until('they are at work', () => asked === READS * SERVICES.length);
  expect(await ask('health')).toBe(200);
  free();
  expect(await Promise.all(reports)).toEqual([200, 200]);
});
