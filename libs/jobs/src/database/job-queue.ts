import type { MigrationInterface, QueryRunner } from 'typeorm';
import { Logger, runMigrations } from 'graphile-worker';

/** Each migration of the library's is a transaction of its own; what is told of them is told by ours. */
const SILENT = new Logger(() => () => undefined);

/**
 * The queue's own schema, `graphile_worker`, as the library makes it; as the owner, for the service may make nothing. A later
 * version of the library that has more to do comes with a later migration like this one. What is there is left as it is, so a
 * run that was broken off is taken up by the next.
 */
export class JobQueue1764200500001 implements MigrationInterface {
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    const { url } = runner.connection.options as { url: string };
    await runMigrations({ connectionString: url, maxPoolSize: 1, logger: SILENT });
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
