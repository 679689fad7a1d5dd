import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import type { CardHouse } from '../house/card-house.js';
import { addApiKey } from '../house/merchant.js';
import type { Environment } from '../house/service-process.js';
import type { ExamplePlayer } from './example-player.js';
import { hasAny } from './example-script.js';

/** Who comes from this machine is never suspected: here a proxy says where requests come from, and few guesses are enough. */
export const GUESSES_ARE_SEEN: Environment = { TRUSTED_PROXIES: '127.0.0.1', SUSPICIOUS_IDS_PER_MINUTE: '20' };
const ADDRESS = '198.51.100.7';

/** The player's organisation lifts the block that a key of its own has brought upon itself. */
export async function playBlock(player: ExamplePlayer, { house, merchant }: CardHouse): Promise<void> {
  const guesser = await addApiKey(house.databases, merchant.tenant, ['payments:read']);
  const headers = { authorization: `Bearer ${guesser.key}`, 'x-forwarded-for': ADDRESS };
  await until('who guesses is blocked', async () => {
    const answer = await fetch(`${house.api}/api/v1/payments/${newId('payment')}`, { headers });
    await answer.text();
    return answer.status === 403;
  });
  const listed = await player.play('listBlocks', { query: { status: 'active', limit: '2' } }, hasAny);
  const [block] = listed['data'] as readonly { readonly id: string }[];
  await player.play('liftBlock', { path: { id: block?.id ?? '' } });
}
