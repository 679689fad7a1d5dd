import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as archiver from '@payflow/archiver/database';
import { SERVICES, type Service } from '@payflow/contracts';
import { openDatabase, type Database, type RolePasswords, type runMigrations } from '@payflow/database';
import * as gateway from '@payflow/gateway/database';
import * as ledger from '@payflow/ledger/database';
import type { Invariant } from '@payflow/invariants';
import type { BrokerOptions } from '@payflow/messaging';
import * as monitoring from '@payflow/monitoring/database';
import * as payments from '@payflow/payments/database';

/** What each service's database is made of. */
export const MIGRATIONS: Readonly<Record<Service, Parameters<typeof runMigrations>[1]>> = {
  gateway: gateway.migrations,
  payments: payments.migrations,
  ledger: ledger.migrations,
  archiver: archiver.migrations,
  monitoring: monitoring.migrations,
};

/** What each service's database must always be. */
export const INVARIANTS_OF: Readonly<Record<Service, readonly Invariant[]>> = {
  gateway: gateway.invariants,
  payments: payments.invariants,
  ledger: ledger.invariants,
  archiver: archiver.invariants,
  monitoring: monitoring.invariants,
};

/** Loads a service's modules, and with them the names of all its statements: the server's own statistics know only texts. */
export const MODULE_OF: Readonly<Record<Service, () => Promise<unknown>>> = {
  gateway: () => import('@payflow/gateway/module'),
  payments: () => import('@payflow/payments/module'),
  ledger: () => import('@payflow/ledger/module'),
  archiver: () => import('@payflow/archiver/module'),
  monitoring: () => import('@payflow/monitoring/module'),
};

/** Role passwords of an installation, by service. */
export type Passwords = Readonly<Record<Service, RolePasswords>>;

const SECRET_BYTES = 24;
const OWNER_ONLY = 0o600;
const PASSWORDS = 'database-passwords.json';

/** A variable of the environment. Compose files pass unset ones on as empty: an empty one is none, as it is to the services. */
export function variable(name: string): string | undefined {
  return process.env[name] || undefined;
}

/**
 * A file in the folder that an installation on this machine keeps its state in, or undefined when all comes from the environment.
 * What `isNeeded` is kept in any case.
 */
function stateFile(name: string, isNeeded = false): string | undefined {
  const dir = variable('PAYFLOW_STATE_DIR') ?? (isNeeded || existsSync('.payflow') ? '.payflow' : undefined);
  if (!dir) return undefined;
  mkdirSync(dir, { recursive: true });
  return join(dir, name);
}

/**
 * Passwords of the database roles: `PAYFLOW_<SERVICE>_DB_PASSWORD`, `…_DB_MIGRATOR_PASSWORD` and `…_DB_READER_PASSWORD`, else
 * those made at the first set-up and kept beside the other state, readable by its owner alone: made anew at the next, they would
 * lock out the services that run.
 */
export function databasePasswords(): Passwords {
  const file = stateFile(PASSWORDS);
  const kept =
    file && existsSync(file)
      ? (JSON.parse(readFileSync(file, 'utf8')) as { readonly [service in Service]?: Partial<RolePasswords> })
      : {};
  let isMadeUp = false;
  const passwordOf = (service: Service, role: 'MIGRATOR_' | '' | 'READER_', known: string | undefined): string => {
    const password = variable(`PAYFLOW_${service.toUpperCase()}_DB_${role}PASSWORD`) ?? known;
    isMadeUp ||= password === undefined;
    return password ?? newSecret();
  };
  const passwords = Object.fromEntries(
    SERVICES.map((service) => [
      service,
      {
        migrator: passwordOf(service, 'MIGRATOR_', kept[service]?.migrator),
        service: passwordOf(service, '', kept[service]?.service),
        reader: passwordOf(service, 'READER_', kept[service]?.reader),
      },
    ]),
  ) as Passwords;
  const keptIn = stateFile(PASSWORDS, isMadeUp);
  if (keptIn) keep(keptIn, passwords);
  return passwords;
}

/** Whole or as it was: a full disk or a kill would else leave half of what only this file knows. */
function keep(file: string, value: object): void {
  const written = `${file}.${process.pid}`;
  writeFileSync(written, JSON.stringify(value, null, 2), { mode: OWNER_ONLY });
  renameSync(written, file);
}

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

type Urls = Readonly<Record<string, string>>;

/** Remembers where each service's database is, as its role, as the reader and as the migrator, for the operator's commands. */
export function rememberServices(urls: Urls, readers: Urls, migrators: Urls): void {
  remember('services.json', urls);
  remember('readers.json', readers);
  remember('migrators.json', migrators);
}

function remember(name: string, urls: Urls): void {
  const file = stateFile(name);
  if (file) keep(file, urls);
}

function remembered(name: string, service: Service): string | undefined {
  const file = stateFile(name);
  return file && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Urls)[service] : undefined;
}

/** `<SERVICE>_DATABASE_URL` from the environment, else what set-up remembered. */
export function databaseUrl(service: Service): string {
  const given = variable(`${service.toUpperCase()}_DATABASE_URL`);
  if (given) return given;
  const url = remembered('services.json', service);
  if (!url)
    throw new Error(
      `no database for ${service}: set ${service.toUpperCase()}_DATABASE_URL, or run in the checkout that \`npm start\` set up`,
    );
  return url;
}

/**
 * The same database for who only looks: `<SERVICE>_READER_DATABASE_URL`, else what set-up remembered; where the environment names
 * the service's URL and no reader's, that one, because what is remembered may be of another installation.
 */
export function readerUrl(service: Service): string {
  const name = service.toUpperCase();
  const given = variable(`${name}_READER_DATABASE_URL`) ?? variable(`${name}_DATABASE_URL`);
  return given ?? remembered('readers.json', service) ?? databaseUrl(service);
}

/** The same database for who owns its schema: `<SERVICE>_MIGRATOR_DATABASE_URL`, else what set-up remembered. */
export function migratorUrl(service: Service): string {
  const name = `${service.toUpperCase()}_MIGRATOR_DATABASE_URL`;
  const url = variable(name) ?? remembered('migrators.json', service);
  if (!url) throw new Error(`no migrator of ${service} is known: set ${name}, or run \`payflow setup\` once more`);
  return url;
}

const FIRST_OWNER = 'first-owner.json';

/** Remembers how the first owner logs in, for who runs the installation on this machine; where nothing is kept here, if it `isNeeded`. */
export function rememberFirstOwner(begun: gateway.Begun, isNeeded = false): void {
  const file = stateFile(FIRST_OWNER, isNeeded);
  if (file) keep(file, begun);
}

/** The first owner of the installation that has this first organisation, where he is remembered here. */
export function firstOwnerOf(organisation: string): gateway.Begun | undefined {
  const file = stateFile(FIRST_OWNER);
  if (!file || !existsSync(file)) return undefined;
  const begun = JSON.parse(readFileSync(file, 'utf8')) as gateway.Begun;
  return begun.organisation === organisation ? begun : undefined;
}

/** Nobody waits for a command as for a request: it asks for more at once than it has connections, and waits its turn on a busy server. */
const POOL = { poolSize: 2, applicationName: 'payflow-cli', acquireTimeout_ms: 20_000 };

/** Opens a service's database for one command. */
export async function withDatabase<T>(service: Service, work: (db: Database) => Promise<T>): Promise<T> {
  const entities = service === 'gateway' ? gateway.entities : [];
  const db = await openDatabase({ ...POOL, url: databaseUrl(service), entities });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

/** Opens several services' databases for one command, each by its URL. */
export async function withDatabases<T>(
  services: readonly Service[],
  urlOf: (service: Service) => string,
  work: (dbs: ReadonlyMap<Service, Database>) => Promise<T>,
): Promise<T> {
  const dbs = new Map<Service, Database>();
  try {
    for (const service of services) {
      dbs.set(service, await openDatabase({ ...POOL, url: urlOf(service), statementTimeout_ms: 600_000 }));
    }
    return await work(dbs);
  } finally {
    await Promise.all([...dbs.values()].map((db) => db.close()));
  }
}

/** The broker as the environment describes it, by the same variables as the services'. */
export function brokerFromEnvironment(): BrokerOptions {
  const { KAFKA_BROKERS, KAFKA_SSL, KAFKA_PREFIX, KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD } =
    process.env;
  if (!KAFKA_BROKERS) throw new Error('KAFKA_BROKERS is not set');
  return {
    brokers: KAFKA_BROKERS.split(','),
    clientId: 'payflow-cli',
    ...(KAFKA_PREFIX ? { prefix: KAFKA_PREFIX } : {}),
    ...(KAFKA_SSL === 'true' ? { ssl: true } : {}),
    ...(KAFKA_SASL_MECHANISM && KAFKA_SASL_USERNAME && KAFKA_SASL_PASSWORD
      ? {
          sasl: {
            mechanism: KAFKA_SASL_MECHANISM as 'plain',
            username: KAFKA_SASL_USERNAME,
            password: KAFKA_SASL_PASSWORD,
          },
        }
      : {}),
  };
}
