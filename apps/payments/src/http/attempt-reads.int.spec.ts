import 'reflect-metadata';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { newId, newUuid, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { FORWARDED_PAGE_BYTES_MAX, INTERNAL_SECRET, internalHeaders } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { DATABASE, ProblemFilter, REPORTS, signInternalToken } from '@payflow/service';
import { configureLogging } from '@payflow/telemetry';
import { createTestDatabase, statementsOf, testBroker, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import type { NewAttempt } from '../providers/attempt.js';
import { Wishes } from '../testing/attempts.js';
import { deskWith, noHere, silence, yes } from '../testing/scripted-provider.js';
import { AttemptReadsController } from './attempt-reads.controller.js';

configureLogging({ level: 'silent' });

const SECRET = 's'.repeat(32);
const at = expect.stringMatching(/^2\d{3}-.*Z$/) as string;

let db: TestDatabase;
let messaging: Messaging;
let app: NestFastifyApplication;

beforeAll(async () => {
  db = await createTestDatabase('payments', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  app = await NestFactory.create<NestFastifyApplication>(readsOf(db), new FastifyAdapter(), { logger: false });
  app.useGlobalFilters(new ProblemFilter());
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
});
afterAll(async () => {
  await app?.close();
  await db?.drop();
});

/** The controller behind its guard, without the service's topics and workers: those would ask the spec's providers. */
function readsOf({ database }: TestDatabase): Type {
  @Module({
    controllers: [AttemptReadsController],
    providers: [
      { provide: INTERNAL_SECRET, useValue: SECRET },
      { provide: DATABASE, useValue: database },
      { provide: REPORTS, useValue: database },
    ],
  })
  class Reads {}
  return Reads;
}

interface Page {
  readonly data: readonly Record<string, unknown>[];
  readonly next: string | null;
}

async function ask(tenant: string, path: string, { livemode = false, scopes = ['payments:read'] } = {}) {
  const token = signInternalToken(SECRET, { tenant, livemode, actor: 'key_spec', scopes }, Date.now());
  const headers = { authorization: `Bearer ${token}` };
  const answer = await app.inject({ method: 'GET', url: `/api/v1/${path}`, headers });
  const body = JSON.parse(answer.body) as Page & { readonly code?: string };
  return { status: answer.statusCode, body, told: `${answer.statusCode} ${body.code ?? ''}`.trim() };
}

const read = async ({ tenant }: Wishes, path: string): Promise<Page> => (await ask(tenant, path)).body;
const idsOf = ({ data }: Page) => data.map(({ id }) => id);

/** Attempts of a payment that nobody is asked for: rows as the worker leaves them. */
async function asked(wishes: Wishes, count: number, change: Partial<NewAttempt> = {}): Promise<NewAttempt[]> {
  const first = await wishes.ask(change);
  const others: NewAttempt[] = [];
  for (let more = 1; more < count; more++) {
    const { payment } = first;
    others.push(await wishes.ask({ payment, operation: newUuid(), action: 'capture', connector: 'one' }));
  }
  return [first, ...others];
}

describe('the attempts of a payment', () => {
  it('are told with the choice of each, and with what was said, not with whose words', async () => {
    const wishes = new Wishes(db);
    const { first, second, ask: send, inquire } = deskWith(db, messaging, 'one', 'two');
    first.answers = [noHere];
    second.answers = [silence];
    const attempt = await wishes.ask();
    await send(attempt);
    const [{ id: other } = { id: '' }] = (await read(wishes, `payments/${attempt.payment}/attempts`)).data.slice(1);
    await send({ ...attempt, id: other as string });
    second.inquiryAnswers = [yes];
    await inquire({ ...attempt, id: other as string });
    const { data, next } = await read(wishes, `payments/${attempt.payment}/attempts`);
    expect(next).toBeNull();
    const shared = {
      object: 'attempt',
      payment: attempt.payment,
      operation: { id: attempt.payment, kind: 'authorization' },
      ...{ action: 'sale', amount: '1000', asset: 'USD', provider_reference: 'auth_1', needs_attention: false },
      ...{ created_at: at, updated_at: at, sent_at: at },
    };
    const word = { code: null, believed: true, received_at: at };
    expect(data).toEqual([
      {
        ...shared,
        ...{ id: attempt.id, number: 1, status: 'declined', connector: 'one', code: 'issuer_unavailable' },
        routing: {
          ...{ route: null, prefer: null, tried: [], left_out: [] },
          candidates: ['one', 'two'].map((connector) => ({ connector, reason: 'in_order' })),
        },
        ...{ inquiries: 0, unknown_at: null },
        evidence: [{ ...word, source: 'answer', outcome: 'declined', code: 'issuer_unavailable' }],
      },
      {
        ...shared,
        ...{ id: other, number: 2, status: 'approved', connector: 'two', code: null },
        routing: expect.objectContaining({ tried: ['one'] }) as unknown,
        ...{ inquiries: 1, unknown_at: at },
        evidence: [
          { ...word, source: 'answer', outcome: 'unknown', code: 'timed_out' },
          { ...word, source: 'inquiry', outcome: 'approved' },
        ],
      },
    ]);
    expect(JSON.stringify(data)).not.toContain('said');
  });

  it('come by pages, oldest first, each in one statement', async () => {
    const wishes = new Wishes(db);
    const attempts = await asked(wishes, 5);
    const path = `payments/${attempts[0]?.payment}/attempts?limit=2`;
    const told: unknown[] = [];
    for (let next: string | null = ''; next !== null;) {
      const after = next;
      let page: Page = { data: [], next: null };
      const names = await statementsOf(async () => {
        page = await read(wishes, `${path}${after && `&after=${after}`}`);
      });
      expect(names).toEqual(['attempt-reads.of-payment']);
      told.push(idsOf(page));
      next = page.next;
    }
    const ids = attempts.map(({ id }) => id);
    expect(told).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
  });

  it('name the operation by the id that it was asked for under', async () => {
    const wishes = new Wishes(db);
    const { payment } = await wishes.ask();
    const capture = newId('capture');
    await wishes.ask({ payment, operation: uuidOf('capture', capture), action: 'capture', connector: 'one' });
    const { data } = await read(wishes, `payments/${payment}/attempts`);
    expect(data.map(({ operation }) => operation)).toEqual([
      { id: payment, kind: 'authorization' },
      { id: capture, kind: 'capture' },
    ]);
  });

  it('show the last fifty words on one, oldest first', async () => {
    const wishes = new Wishes(db);
    const { id, payment } = await wishes.ask();
    await db.tamper(
      `insert into provider_evidence (tenant_id, livemode, id, payment_id, attempt_id, connector, source, outcome, content, believed, received_at)
       select '${uuidOf('tenant', wishes.tenant)}', false, gen_random_uuid(), '${uuidOf('payment', payment)}', '${uuidOf('attempt', id)}',
         'one', 'webhook', 'said_' || n, '{}', false, now() + n * interval '1 second' from generate_series(1, 60) as n`,
    );
    const { data } = await read(wishes, `payments/${payment}/attempts`);
    const words = data[0]?.['evidence'] as { outcome: string }[];
    expect(words.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 50 }, (_, nth) => `said_${nth + 11}`));
  });
});

describe('attempts that wait for a human', () => {
  it('are told oldest first, by pages, in one statement, and no others', async () => {
    const wishes = new Wishes(db);
    const [calm, ...waiting] = await asked(wishes, 4);
    for (const { id } of waiting)
      await db.tamper(`update attempts set needs_attention = true where id = '${uuidOf('attempt', id)}'`);
    let first: Page = { data: [], next: null };
    const names = await statementsOf(async () => {
      first = await read(wishes, 'attempts?needs_attention=true&limit=2');
    });
    expect(names).toEqual(['attempt-reads.in-need']);
    const rest = await read(wishes, `attempts?needs_attention=true&limit=2&after=${first.next}`);
    expect([...idsOf(first), ...idsOf(rest)]).toEqual(waiting.map(({ id }) => id));
    expect(rest).toMatchObject({ next: null, data: [{ needs_attention: true, payment: calm?.payment }] });
  });

  it('with much that was said of each come by pages as long as the gateway takes, none lost and none twice', async () => {
    const wishes = new Wishes(db);
    const waiting = await asked(wishes, 120);
    const owner = `tenant_id = '${uuidOf('tenant', wishes.tenant)}'`;
    await db.tamper(`update attempts set needs_attention = true where ${owner}`);
    await db.tamper(
      `insert into provider_evidence (tenant_id, livemode, id, payment_id, attempt_id, connector, source, outcome, content, believed, received_at)
       select tenant_id, livemode, gen_random_uuid(), payment_id, id, 'one', 'webhook', 'said_' || n, '{}', false, now() + n * interval '1 second'
       from attempts, generate_series(1, 50) as n where ${owner}`,
    );
    const told: unknown[] = [];
    for (let next: string | null = ''; next !== null;) {
      const page: Page = await read(wishes, `attempts?needs_attention=true&limit=200${next && `&after=${next}`}`);
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(FORWARDED_PAGE_BYTES_MAX + 1_000);
      told.push(...idsOf(page));
      next = page.next;
    }
    expect(told).toEqual(waiting.map(({ id }) => id));
  });
});

it("is nobody else's to see: not of another organisation, not in the other mode", async () => {
  const wishes = new Wishes(db);
  const { id, payment } = await wishes.ask();
  await db.tamper(`update attempts set needs_attention = true where id = '${uuidOf('attempt', id)}'`);
  const nothing = { status: 200, body: { data: [], next: null } };
  for (const path of [`payments/${payment}/attempts`, 'attempts?needs_attention=true']) {
    expect(idsOf(await read(wishes, path))).toEqual([id]);
    expect(await ask(newId('tenant'), path)).toMatchObject(nothing);
    expect(await ask(wishes.tenant, path, { livemode: true })).toMatchObject(nothing);
    expect((await ask(wishes.tenant, path, { scopes: ['payments:write'] })).told).toBe('403 forbidden');
  }
  const bare = await app.inject({ method: 'GET', url: '/api/v1/attempts?needs_attention=true', headers: {} });
  expect(bare.statusCode).toBe(401);
  const headers = internalHeaders(SECRET, 'monitoring');
  expect((await app.inject({ method: 'GET', url: '/api/v1/attempts', headers })).statusCode).toBe(403);
});

it.each([
  ['payments/pay_1/attempts', '400 invalid_id'],
  [`payments/${newId('attempt')}/attempts`, '400 invalid_id'],
  ...[
    'limit=0',
    'limit=201',
    'limit=x',
    'limit=1&limit=2',
    'after=',
    'after=1',
    'after=1_att_1',
    'after=1&after=2',
  ].map((query) => [`payments/${newId('payment')}/attempts?${query}`, '400 invalid_parameter']),
  [`payments/${newId('payment')}/attempts?after=${'9'.repeat(16)}_${newId('attempt')}`, '200'],
  [`payments/${newId('payment')}/attempts?after=${'9'.repeat(17)}_${newId('attempt')}`, '400 invalid_parameter'],
  ['attempts', '400 invalid_parameter'],
  ['attempts?needs_attention=false', '400 invalid_parameter'],
])('GET %s is answered with %s', async (path, answer) => {
  expect((await ask(newId('tenant'), path as string)).told).toBe(answer);
});
