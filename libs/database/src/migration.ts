import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { grantRights } from './grant-rights.js';
import { MIGRATIONS_TABLE, type Rights } from './rights.js';
import { RAISE_WALLS } from './walls.js';

/** A forward-only migration that is one text of SQL. Subclass names end in a 13-digit timestamp, as TypeORM orders them. */
export abstract class SqlMigration implements MigrationInterface {
  abstract readonly sql: string;

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(this.sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}

type Migration = new () => MigrationInterface;

/**
 * Runs what is missing of a service's migrations, and then grants what `steps` state of rights, each time anew: tables come
 * with migrations, and rights are the same whichever of them ran today. Where the service has walls between tenants, what is new gets one. Returns the names of the migrations it ran.
 */
export async function runMigrations(url: string, steps: readonly (Migration | Rights)[]): Promise<string[]> {
  const source = await new DataSource({
    type: 'postgres',
    url,
    migrations: steps.filter((step): step is Migration => typeof step === 'function'),
    migrationsTransactionMode: 'each',
    migrationsTableName: MIGRATIONS_TABLE,
  }).initialize();
  try {
    const names = (await source.runMigrations()).map((migration) => migration.name);
    const rights = steps.filter((step): step is Rights => typeof step === 'object');
    await source.transaction(async (tx) => {
      await tx.query(RAISE_WALLS);
      await grantRights(tx, databaseOf(url), Object.assign({}, ...rights) as Rights);
    });
    return names;
  } finally {
    await source.destroy();
  }
}

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}
