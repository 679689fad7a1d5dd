import type { Database } from '@payflow/database';

/** A database that gives up each transaction once, at its end, as a standby does with one that stands in the way of what it replays. */
export function givingUp(database: Database): Database {
  const transaction: Database['transaction'] = async (work, options) => {
    await database.transaction(work, options);
    return database.transaction(work, options);
  };
  return Object.assign(Object.create(database) as Database, { transaction });
}
