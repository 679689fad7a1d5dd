import { uuidOf } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { placeBlocks } from '../database/access-block.repository.js';
import type { Owner } from '../database/keys.js';

const DAY_MS = 86_400_000;

/** A block on a key of the owner's, as the watch places it when the key has guessed at ids. Returns its id. */
export async function blockedKey(db: Database, of: Owner, subject: string): Promise<string> {
  uuidOf('apiKey', subject);
  const wish = { kind: 'credential', subject, suspicion: 'id_enumeration', count: 300, of } as const;
  const [placed] = await db.transaction((tx) => placeBlocks(tx, [wish], [DAY_MS]));
  if (!placed) throw new Error('it is blocked already');
  return placed.block.id;
}
