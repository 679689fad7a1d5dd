import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  makeCertificates,
  removeServerFolder,
  startSecuredKafka,
  startSecuredPostgres,
  startSecuredRedis,
  type Server,
} from '@payflow/local-stack';
import { uniqueSuffix, until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { House } from '../house/house.js';
import { scratchDir } from '../house/scratch.js';

const LOGIN = { user: 'payflow', password: 'p:w@rd-1' };

describe('PayFlow on servers with TLS, SASL and passwords', () => {
  const dir = scratchDir(`secured_servers_${uniqueSuffix()}`);
  let servers: Server[] = [];
  let house: House;

  beforeAll(async () => {
    const certificates = await makeCertificates(join(dir, 'certificates'));
    const place = (name: string) => ({ dir: join(dir, name), certificates, ...LOGIN });
    const [kafka, postgres, redis] = (servers = await Promise.all([
      startSecuredKafka(place('kafka')),
      startSecuredPostgres(place('postgres')),
      startSecuredRedis(place('redis')),
    ])) as [Server, Server, Server];
    house = await House.open({
      name: 'secured',
      servers: {
        kafka: `127.0.0.1:${kafka.ports['secured']}`,
        postgres: `${postgres.url}?sslmode=verify-full`,
        redis: redis.url,
      },
      access: {
        NODE_EXTRA_CA_CERTS: certificates.authority,
        KAFKA_SSL: 'true',
        KAFKA_SASL_MECHANISM: 'scram-sha-512',
        KAFKA_SASL_USERNAME: LOGIN.user,
        KAFKA_SASL_PASSWORD: LOGIN.password,
      },
      disposable: true,
    });
  });
  afterAll(async () => {
    await house?.close();
    await Promise.all(servers.map((server) => server.kill()));
    removeServerFolder(join(dir, 'postgres'));
    rmSync(dir, { recursive: true, force: true });
  });

  it('is set up, started and ready by the same variables as ever', async () => {
    // Ready, and not merely degraded, as the gateway would be without Kafka or Redis.
    await until('the gateway has all it needs', async () => {
      const { body } = await house.service('gateway').probe('/readyz');
      return (JSON.parse(body) as { status: string }).status === 'ready';
    });
  });

  it('carries a payment through all services', async () => {
    const printed = await house.installation.payflow('demo', '--api', house.api);
    expect(JSON.parse(printed)).toMatchObject({ payment: { status: 'succeeded' } });
  });

  it('ends a service that trusts nobody, which says what it could not verify', async () => {
    const ledger = await house.anotherProcess('ledger');
    await expect(ledger.start({ NODE_EXTRA_CA_CERTS: '' })).rejects.toThrow(
      /^ledger-2: ended with 1: .*the service could not start/s,
    );
    expect(readFileSync(ledger.logFile, 'utf8')).toMatch(
      /unable to verify the first certificate.*the service could not start/,
    );
  });

  it('keeps a service unready whose SASL password is wrong, and names that', async () => {
    const ledger = await house.anotherProcess('ledger');
    await ledger.launch({ KAFKA_SASL_PASSWORD: 'wrong' });
    const said = await until('the log says why', () =>
      /SASL SCRAM SHA512 authentication failed[^"]*/.exec(readFileSync(ledger.logFile, 'utf8')),
    );
    expect(said[0]).toContain('invalid credentials');
    // The broker is asked before there is HTTP.
    const { body } = await until('it is unready', async () => {
      const answer = await ledger.probe('/readyz');
      return answer.status === 503 && answer;
    });
    expect(body).toContain('not_producing');
  });
});
