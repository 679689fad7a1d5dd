import type { Service } from '@payflow/contracts';
import type { House } from './house.js';

const DAY_MS = 86_400_000;

/** Has all that the service has sent go out again, as an operator would: topic by topic. */
export async function republishAll(
  { installation, databases }: Pick<House, 'installation' | 'databases'>,
  service: Service,
  reason: string,
): Promise<void> {
  const now_ms = Date.now();
  const [from, to] = [now_ms - DAY_MS, now_ms + DAY_MS].map((time) => new Date(time).toISOString()) as [string, string];
  const span = ['--from', from, '--to', to, '--actor', 'e2e', '--reason', reason];
  const sent = await databases.rows<{ topic: string }>(service, 'select distinct topic from outbox order by topic');
  for (const { topic } of sent) await installation.payflow('outbox', 'republish', service, topic, ...span);
}
