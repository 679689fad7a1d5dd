import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Database } from './database.js';
import { PartitionMaintainer } from './partition-maintainer.js';

/** A database with nothing to do, whose first answers are these errors. */
function databaseThatFails(errors: readonly Error[]): { readonly database: Database; readonly left: Error[] } {
  const left = [...errors];
  const answer = <T>(value: T): Promise<T> => {
    const error = left.shift();
    return error ? Promise.reject(error) : Promise.resolve(value);
  };
  const rows = ({ name }: { name: string }) =>
    answer(name === 'partitions.ahead' ? [{ table: 'letters', partitions: 1 }] : []);
  return { database: { rows, count: () => answer(1) } as unknown as Database, left };
}

describe('the partitions of the present, at the start', () => {
  beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0));
  afterEach(() => void vi.restoreAllMocks());

  it('outlast connections that do not come about: the next may', async () => {
    const { database, left } = databaseThatFails([
      new Error('Connection terminated due to connection timeout'),
      Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
    ]);
    expect(await new PartitionMaintainer(database, 3).ensurePresent()).toEqual([]);
    expect(left).toEqual([]);
  });

  it('are not waited for where the server itself refuses', async () => {
    const refused = Object.assign(new Error('permission denied'), { code: '42501' });
    const { database } = databaseThatFails([refused]);
    await expect(new PartitionMaintainer(database, 3).ensurePresent()).rejects.toBe(refused);
  });
});
