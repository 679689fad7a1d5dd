import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';

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

/** Runs what is missing of a service's migrations, as the database's owner. Returns the names of those it ran. */
export async function runMigrations(
  url: string,
  migrations: readonly (new () => MigrationInterface)[],
): Promise<string[]> {
  const source = await new DataSource({
    type: 'postgres',
    url,
    migrations: [...migrations],
    migrationsTransactionMode: 'each',
    migrationsTableName: 'schema_migrations',
  }).initialize();
  try {
    return (await source.runMigrations()).map((migration) => migration.name);
  } finally {
    await source.destroy();
  }
}
