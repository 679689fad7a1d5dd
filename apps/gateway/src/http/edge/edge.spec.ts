import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { get as getOverTls } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTo } from 'node:net';
import { json, text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { Controller, Get, Module } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { Messaging } from '@payflow/messaging';
import { ConfigurationError, Problem, readConfiguration, startService, type RunningService } from '@payflow/service';
import { selfSigned } from '@payflow/testing';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { gatewayConfiguration } from '../../gateway.config.js';
import { gatewayService } from '../../gateway.service.js';
import type { GatewayConfiguration } from '../../gateway.config.js';
import { Admission } from '../../load/admission.js';
import { openApiDocument } from '../openapi/document.js';
import { referred } from '../openapi/referred.js';
import type { Door, RouteAccess } from './authentication.js';
import { gatewayEdge } from './edge.js';

interface Documented {
  readonly responses?: Readonly<Record<string, WithHeaders | { readonly $ref: string }>>;
}
interface WithHeaders {
  readonly headers?: object;
}

const PAGE = 'https://dashboard.example';
const HSTS = 'max-age=31536000; includeSubDomains';
const ENV = { NODE_ENV: 'development', PORT: '0', LOG_LEVEL: 'silent', OTEL_TRACES_EXPORTER: 'none' };

@Controller('api/v1/things')
class Things {
  @Get()
  @RouteConfig({ open: true } satisfies RouteAccess)
  all(): object {
    return { data: [] };
  }

  @Get(':id')
  @RouteConfig({ open: true } satisfies RouteAccess)
  one(): object {
    return {};
  }
}

@Module({
  controllers: [Things],
  providers: [{ provide: Messaging, useValue: { close: async () => undefined, subscribe: async () => undefined } }],
})
class OneRoute {}

/** Nobody is known, and nobody asks too often. */
const OPEN = {
  watch: {
    visitorOf: ({ ip: address }: FastifyRequest) => ({ address }),
    admitAddress: () => ({ headers: {} }),
    noteAnswer: () => undefined,
  },
} as unknown as Door;

/** The gateway's own edge and server, before a single route. */
async function start(env: NodeJS.ProcessEnv, door = OPEN): Promise<RunningService & { readonly base: string }> {
  const { tls, rewriteUrl, routeless, configuration } = gatewayService();
  const edge = (fastify: FastifyInstance, config: GatewayConfiguration): Promise<void> =>
    gatewayEdge(fastify, config, { door: () => door, admission: new Admission(config) });
  const definition = { configuration, module: () => ({ module: OneRoute }), edge, tls, rewriteUrl, routeless };
  const running = await startService(definition as never, readConfiguration(gatewayConfiguration, { ...ENV, ...env }));
  return { ...running, base: await running.app.getUrl() };
}

let running: Awaited<ReturnType<typeof start>> | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${running?.base}${path}`, { method, headers });

/** As {@link ask}, in bytes that no client would send. */
async function askInBytes(bytes: string): Promise<Response> {
  const socket = connectTo(Number(new URL(running?.base ?? '').port), '127.0.0.1');
  socket.write(bytes);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  const [line = '', ...headers] = head.split('\r\n');
  const pairs = headers.map((header) => header.split(/: (.*)/s).slice(0, 2) as [string, string]);
  return new Response(body, { status: Number(line.split(' ')[1]), headers: pairs });
}

const ALWAYS = [
  ...['x-content-type-options', 'x-frame-options', 'referrer-policy', 'cross-origin-resource-policy'],
  ...['content-security-policy', 'cache-control', 'payflow-version'],
];

describe('an answer', () => {
  it('names no product, is embedded nowhere, and is taken for nothing else', async () => {
    running = await start({});
    const { headers } = await ask('/api/v1/things');
    expect([headers.get('server'), headers.get('x-powered-by'), headers.get('via')]).toEqual([null, null, null]);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
  });

  it.each([
    ['whose path is no text', 400, () => ask('/api/v1/things/%zz')],
    ['whose id is longer than any', 414, () => ask(`/api/v1/things/${'a'.repeat(256)}`)],
    ['that is no HTTP', 400, () => askInBytes('hello\r\n\r\n')],
    ['with too large a head', 431, () => askInBytes(`GET / HTTP/1.1\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`)],
  ])('to what is refused before there is a route, %s, has what all have', async (_what, status, refused) => {
    running = await start({ PAYFLOW_TLS_AT_PROXY: 'true' });
    const served = await ask('/api/v1/things');
    const answer = await refused();
    const names = [...ALWAYS, 'strict-transport-security'];
    expect(answer.status).toBe(status);
    expect(names.map((name) => [name, answer.headers.get(name)])).toEqual(
      names.map((name) => [name, served.headers.get(name)]),
    );
    expect(names.filter((name) => !served.headers.has(name))).toEqual([]);
    expect(answer.headers.get('request-id')).toMatch(/^req_/);
    expect(await answer.json()).toMatchObject({ request_id: answer.headers.get('request-id') });
  });

  it('speaks of HTTPS only where clients come by it', async () => {
    running = await start({});
    expect((await ask('/api/v1/things')).headers.get('strict-transport-security')).toBeNull();
    await running.stop();
    running = await start({ PAYFLOW_TLS_AT_PROXY: 'true' });
    expect((await ask('/api/v1/things')).headers.get('strict-transport-security')).toBe(HSTS);
  });
});

describe('pages of other origins', () => {
  const asked = { origin: PAGE, 'access-control-request-method': 'POST' };

  it('may call nothing unless they are listed', async () => {
    running = await start({});
    expect((await ask('/api/v1/things', { origin: PAGE })).headers.get('access-control-allow-origin')).toBeNull();
    expect((await ask('/api/v1/things', asked, 'OPTIONS')).status).toBe(405);
  });

  it('are told what they may when they are, without a credential and before the answer', async () => {
    running = await start({ PAYFLOW_CORS_ORIGINS: `https://other.example,${PAGE}` });
    const answer = await ask('/api/v1/things', { origin: PAGE });
    expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(answer.headers.get('access-control-expose-headers')).toContain('etag');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    expect(answer.headers.get('vary')?.toLowerCase()).toContain('origin');
    const told = await ask('/api/v1/payments', asked, 'OPTIONS');
    expect([told.status, told.headers.get('access-control-allow-origin')]).toEqual([204, PAGE]);
    expect(told.headers.get('access-control-allow-headers')).toContain('idempotency-key');
  });

  it('are kept out with their address and can read why: what they ask beforehand is answered, and stands in no log', async () => {
    const noted: string[] = [];
    const door = {
      watch: {
        visitorOf: ({ ip: address }: FastifyRequest) => ({ address }),
        admitAddress: (_visitor: object, policy: string) => {
          throw new Problem('address_blocked', { detail: policy });
        },
        noteAnswer: ({ method }: FastifyRequest) => void noted.push(method),
      },
    } as unknown as Door;
    running = await start({ PAYFLOW_CORS_ORIGINS: PAGE }, door);
    const answers = [
      await ask('/api/v1/things', { origin: PAGE }),
      await ask('/api/v1/things', asked, 'OPTIONS'),
      await ask('/api/v1/things', { ...asked, 'access-control-request-method': 'GET' }, 'OPTIONS'),
      await ask('/api/v1/things', { ...asked, origin: 'https://evil.example' }, 'OPTIONS'),
    ];
    const told = await Promise.all(
      answers.map(async (answer) => {
        const { code, detail } = answer.status === 204 ? {} : ((await answer.json()) as Record<string, unknown>);
        return [answer.status, code, detail, answer.headers.get('access-control-allow-origin')];
      }),
    );
    expect(told).toEqual([
      [403, 'address_blocked', 'login', PAGE],
      [204, undefined, undefined, PAGE],
      [204, undefined, undefined, PAGE],
      [403, 'address_blocked', 'anonymous', null],
    ]);
    expect(answers[0]?.headers.get('access-control-expose-headers')).toContain('retry-after');
    expect(noted).toEqual(['GET', 'OPTIONS']);
  });

  it('may read every header that an answer is said to have', async () => {
    running = await start({ PAYFLOW_CORS_ORIGINS: PAGE });
    const answer = await ask('/api/v1/things', { origin: PAGE });
    const exposed = answer.headers.get('access-control-expose-headers')?.split(', ');
    const document = openApiDocument() as { paths: Record<string, Record<string, Documented>> };
    const answers = Object.values(document.paths)
      .flatMap(Object.values<Documented>)
      .flatMap(({ responses }) => Object.values(responses ?? {}))
      .map((answer) => referred<WithHeaders>(document, answer));
    const documented = new Set(
      answers.flatMap(({ headers }) => Object.keys(headers ?? {})).map((name) => name.toLowerCase()),
    );
    expect(documented.size).toBeGreaterThan(5);
    // Every page may read this one; and the name of an export's file stands in none of the answers' schemas.
    const expected = [...documented, 'content-disposition'].filter((name) => name !== 'cache-control');
    expect(expected.filter((name) => !exposed?.includes(name))).toEqual([]);
  });

  it.each([
    ['https://evil.example'],
    [`${PAGE}.evil.example`],
    ['null'],
    ['http://dashboard.example'],
    ['https://dashboard.example:8443'],
  ])('%s is not one of them', async (origin) => {
    running = await start({ PAYFLOW_CORS_ORIGINS: PAGE });
    expect((await ask('/api/v1/things', { origin })).headers.get('access-control-allow-origin')).toBeNull();
    const told = await ask('/api/v1/things', { ...asked, origin }, 'OPTIONS');
    expect([told.status, told.headers.get('access-control-allow-origin')]).toEqual([405, null]);
  });

  it.each([['*'], ['https://a.example/path'], ['ftp://a.example'], ['a.example'], ['https://a.example,']])(
    'are not to be listed as %s',
    (origins) => {
      expect(() => readConfiguration(gatewayConfiguration, { ...ENV, PAYFLOW_CORS_ORIGINS: origins })).toThrow(
        /PAYFLOW_CORS_ORIGINS/,
      );
    },
  );
});

describe('TLS', () => {
  const own = selfSigned();
  let dir: string;
  let files: { TLS_CERTIFICATE_FILE: string; TLS_KEY_FILE: string };
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'payflow-tls-'));
    files = { TLS_CERTIFICATE_FILE: join(dir, 'certificate.pem'), TLS_KEY_FILE: join(dir, 'key.pem') };
    writeFileSync(files.TLS_CERTIFICATE_FILE, own.certificate);
    writeFileSync(files.TLS_KEY_FILE, own.key);
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  const oneLine = (pem: string) => pem.replaceAll('\n', '\\n');
  const overTls = async (path: string) => {
    const url = new URL(path, running?.base.replace('127.0.0.1', 'localhost'));
    const [answer] = (await once(getOverTls(url, { ca: own.certificate }), 'response')) as [IncomingMessage];
    return { status: answer.statusCode, headers: answer.headers, body: await json(answer) };
  };

  it.each([
    ['files', () => files],
    ['text', () => ({ TLS_CERTIFICATE: oneLine(own.certificate), TLS_KEY: oneLine(own.key) })],
  ])('is spoken with a pair given as %s, and said to be the only way', async (_how, env) => {
    running = await start(env());
    expect(running.base).toMatch(/^https:/);
    const answer = await overTls('/api/v1/things');
    expect([answer.status, answer.body]).toEqual([200, { data: [] }]);
    expect(answer.headers['strict-transport-security']).toBe(HSTS);
  });

  it('is 1.2 at least', async () => {
    running = await start(files);
    const port = Number(new URL(running.base).port);
    const spoken = async (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') => {
      const socket = connect({
        port,
        ca: own.certificate,
        servername: 'localhost',
        minVersion: version,
        maxVersion: version,
        ciphers: 'DEFAULT@SECLEVEL=0',
      });
      try {
        await once(socket, 'secureConnect');
        return socket.getProtocol();
      } finally {
        socket.destroy();
      }
    };
    expect([await spoken('TLSv1.2'), await spoken('TLSv1.3')]).toEqual(['TLSv1.2', 'TLSv1.3']);
    await expect(spoken('TLSv1.1')).rejects.toThrow();
  });

  it.each([
    ['half of it', () => ({ TLS_CERTIFICATE_FILE: files.TLS_CERTIFICATE_FILE }), 'must be set together'],
    ['both ways at once', () => ({ ...files, TLS_KEY: oneLine(own.key) }), 'not both'],
    ['a file that is not there', () => ({ ...files, TLS_KEY_FILE: join(dir, 'none.pem') }), 'cannot be read (ENOENT)'],
    ['no PEM', () => ({ TLS_CERTIFICATE: 'hello', TLS_KEY: 'world' }), 'cannot be used'],
    [
      'a key of another',
      () => ({ TLS_CERTIFICATE: oneLine(own.certificate), TLS_KEY: oneLine(selfSigned().key) }),
      'cannot be used',
    ],
    [
      'one that is over',
      () => {
        const { key, certificate } = selfSigned(-60_000);
        return { TLS_CERTIFICATE: oneLine(certificate), TLS_KEY: oneLine(key) };
      },
      'ended on',
    ],
  ])('is refused before the start with %s, and nothing of it is shown', (_what, env, problem) => {
    const read = () => readConfiguration(gatewayConfiguration, { ...ENV, ...env() });
    expect(read).toThrow(ConfigurationError);
    expect(read).toThrow(problem);
    expect(read).not.toThrow(/BEGIN|hello|world/);
  });
});
