import { statement } from '@payflow/database';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hashApiKey } from '../database/api-key.repository.js';
import { openStage, type Stage } from '../testing/stage.js';
import { GatewayCaches } from './gateway-caches.js';
import { KeyUses } from './key-uses.js';

const USES = statement('spec.key-uses', 'select request_count::integer as requests, last_used_at from api_key_uses');

interface UseRow {
  requests: number;
  last_used_at: Date;
}

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

it('counts what a key was used for, in each process, and nothing of a wrong key', async () => {
  const { db, gateway, client } = stage;
  const before = Date.now();
  for (let i = 0; i < 3; i++) await client.get('/api/v1/assets/USD');
  const wrong = { authorization: `Bearer sk_test_${'x'.repeat(40)}` };
  expect((await client.get('/api/v1/assets/USD', wrong)).status).toBe(401);
  await gateway.app.get(KeyUses, { strict: false }).close();
  const another = new KeyUses(db);
  const key = await gateway.app
    .get(GatewayCaches, { strict: false })
    .apiKeys.get(hashApiKey(client.key).toString('hex'));
  if (key) another.note(key);
  await another.close();
  const rows = await db.rows<UseRow>(USES);
  expect(rows).toMatchObject([{ requests: 4 }]);
  expect(rows[0]?.last_used_at.getTime()).toBeGreaterThanOrEqual(before);
});
