import { AbstractLogger, DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { grantRights } from './grant-rights.js';
import { LOCK_TIMEOUT, untilLocked } from './lock-patience.js';
import { MIGRATIONS_TABLE, type Rights } from './rights.js';
import { RAISE_WALLS } from './walls.js';

/** Behind a statement that waits for a table stands everybody else who wants it: it gives up soon, and comes again. */
const LOCK_BRIEFLY = `set local lock_timeout = '${LOCK_TIMEOUT}'`;

/** A forward-only migration that is one text of SQL. Subclass names end in a 13-digit timestamp, as TypeORM orders them. */
export abstract class SqlMigration implements MigrationInterface {
  abstract readonly sql: string;

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`${LOCK_BRIEFLY};\n${this.sql}`);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}

type Migration = new () => MigrationInterface;

/** What fails is thrown, and what is done again has not failed. */
class NoLog extends AbstractLogger {
  protected override writeLog(): void {
    // Nothing.
  }
}

/**
 * Runs what is missing of a service's migrations, and then grants what `steps` state of rights, each time anew: tables come
 * with migrations, and rights are the same whichever of them ran today. Where the service has walls between tenants, what is new gets
 * one. A table in use is locked for a moment, or tried again. Returns the names of the migrations it ran.
 */
export async function runMigrations(url: string, steps: readonly (Migration | Rights)[]): Promise<string[]> {
  const source = await new DataSource({
    type: 'postgres',
    url,
    migrations: steps.filter((step): step is Migration => typeof step === 'function'),
    migrationsTransactionMode: 'each',
    migrationsTableName: MIGRATIONS_TABLE,
    logger: new NoLog(),
  }).initialize();
  try {
    const before = await namesOfRun(source);
    await untilLocked(() => source.runMigrations());
    const rights = steps.filter((step): step is Rights => typeof step === 'object');
    await untilLocked(() =>
      source.transaction(async (tx) => {
        await tx.query(LOCK_BRIEFLY);
        await tx.query(RAISE_WALLS);
        await grantRights(tx, databaseOf(url), Object.assign({}, ...rights) as Rights);
      }),
    );
    return (await namesOfRun(source)).filter((name) => !before.includes(name));
  } finally {
    await source.destroy();
  }
}

/** In the order in which they ran. */
async function namesOfRun(source: DataSource): Promise<string[]> {
  const [found] = await source.query<{ exists: boolean }[]>(
    `select to_regclass('${MIGRATIONS_TABLE}') is not null as exists`,
  );
  if (!found?.exists) return [];
  return (await source.query<{ name: string }[]>(`select name from ${MIGRATIONS_TABLE} order by id`)).map(
    ({ name }) => name,
  );
}

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}
