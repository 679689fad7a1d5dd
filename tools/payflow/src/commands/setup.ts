import { PARTITIONS, SERVICES, type Service } from '@payflow/contracts';
import { provisionDatabase, runMigrations, type ProvisionedDatabase } from '@payflow/database';
import { kafkajsBroker, topicsToCreate, verifyTopics } from '@payflow/messaging';
import { MIGRATIONS, brokerFromEnvironment, databasePasswords, rememberServices, variable } from '../installation.js';

/** Databases, roles, migrations and topics; safe to repeat. */
export async function setup(): Promise<void> {
  const adminUrl = process.env['POSTGRES_URL'];
  if (!adminUrl) throw new Error('POSTGRES_URL is not set: the URL of a role that may create databases and roles');
  const [databases] = await Promise.all([setUpDatabases(adminUrl), setUpTopics()]);
  const urls = (of: 'url' | 'readerUrl' | 'ownerUrl') =>
    Object.fromEntries([...databases].map(([service, made]) => [service, made[of]]));
  rememberServices(urls('url'), urls('readerUrl'), urls('ownerUrl'));
  for (const reason of new Set([...databases.values()].flatMap(({ uncounted }) => uncounted ?? [])))
    process.stderr.write(`payflow: statements are not counted, and advice is given without them: ${reason}\n`);
  for (const [service, { url }] of databases)
    process.stdout.write(`${JSON.stringify({ service, env: { DATABASE_URL: url } })}\n`);
}

async function setUpDatabases(adminUrl: string): Promise<Map<Service, ProvisionedDatabase>> {
  const passwords = databasePasswords();
  const databases = new Map<Service, ProvisionedDatabase>();
  // Roles and databases one after the other: catalogue updates of one server collide when made at once.
  for (const service of SERVICES) {
    // KAFKA_PREFIX keeps the topics of several installations on one cluster apart, this their databases and roles.
    databases.set(
      service,
      await provisionDatabase(adminUrl, service, passwords[service], variable('PAYFLOW_DATABASE_PREFIX')),
    );
  }
  await Promise.all([...databases].map(([service, { ownerUrl }]) => runMigrations(ownerUrl, MIGRATIONS[service])));
  return databases;
}

async function setUpTopics(): Promise<void> {
  const profile = (variable('PAYFLOW_PARTITIONS') ?? 'single') as keyof typeof PARTITIONS;
  if (!(profile in PARTITIONS))
    throw new Error(`PAYFLOW_PARTITIONS must be one of ${Object.keys(PARTITIONS).join(', ')}`);
  const admin = await kafkajsBroker(brokerFromEnvironment()).admin();
  try {
    const wanted = topicsToCreate(profile, await admin.brokers());
    const existing = await admin.partitionCounts(wanted.map(({ name }) => name));
    const missing = wanted.filter(({ name }) => !existing.has(name));
    if (missing.length > 0) await admin.createTopics(missing);
    const problems = await verifyTopics(admin, profile);
    if (problems.length > 0) throw new Error(problems.join('; '));
  } finally {
    await admin.close();
  }
}
