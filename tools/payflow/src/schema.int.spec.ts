import { readFileSync, writeFileSync } from 'node:fs';
import { SERVICES } from '@payflow/contracts';
import { dumpSchema, excessOf, type Rights } from '@payflow/database';
import { provisionTestDatabase } from '@payflow/testing';
import { describe, expect, it } from 'vitest';
import { MIGRATIONS } from './installation.js';

/** `UPDATE_SCHEMA=1` writes the files anew; the diff is then part of the change that made it. */
describe('schema.sql', () => {
  it.each(SERVICES)('of %s says what its migrations make', async (service) => {
    const db = await provisionTestDatabase(service, MIGRATIONS[service], 2);
    try {
      const schema = await dumpSchema(db.adminUrl);
      const file = `apps/${service}/src/database/schema.sql`;
      if (process.env['UPDATE_SCHEMA']) writeFileSync(file, schema);
      expect(schema).toBe(readFileSync(file, 'utf8'));
      const rights = MIGRATIONS[service].find((step): step is Rights => typeof step === 'object');
      expect(await excessOf(db.database, rights ?? {})).toEqual([]);
    } finally {
      await db.drop();
    }
  });
});
