import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { spread, type Figures } from './figures.js';
import type { Views } from './views.js';
import { requestText, Wire } from './wire.js';

const PATH = '/api/v1/provider_webhooks/cards';
const SECRET = randomBytes(24);
/** For the gateway that is to know the provider. */
export const WEBHOOK_ENVIRONMENT = { CARDS_WEBHOOK_SECRET: `whsec_${SECRET.toString('base64')}` };
/** At one time, of those that come together. */
const TOGETHER = 16;

/** From a provider's signed webhook to its answer, when it is noted: one at a time, and sixteen at a time. */
export async function webhooksAnswered(port: number, views: Views, rounds: number, each: number): Promise<Figures> {
  const alone: number[][] = [];
  const together: number[][] = [];
  // The first is to warm up.
  for (let round = 0; round <= rounds; round++) {
    const [one, many] = [await send(port, views, each, 1), await send(port, views, each, TOGETHER)];
    if (round > 0) {
      alone.push(one);
      together.push(many);
    }
  }
  const at = (of: readonly number[][], share: number) =>
    spread(of.map((took) => took.toSorted((a, b) => a - b)[Math.floor(took.length * share)] ?? NaN));
  return {
    'webhook, one at a time: p50 ms': at(alone, 0.5),
    'webhook, one at a time: p99 ms (aim: at most 10)': at(alone, 0.99),
    [`webhook, ${TOGETHER} at a time: p50 ms`]: at(together, 0.5),
    [`webhook, ${TOGETHER} at a time: p99 ms`]: at(together, 0.99),
  };
}

/** Milliseconds each took. */
async function send(port: number, views: Views, count: number, wires: number): Promise<number[]> {
  const took: number[] = [];
  let left = count;
  const work = async (): Promise<void> => {
    const wire = await Wire.to(port);
    while (left-- > 0) {
      const text = webhook(views, left);
      const started = performance.now();
      const { status } = await wire.send(text);
      if (status !== 204) throw new Error(`answered ${status}, not 204`);
      took.push(performance.now() - started);
    }
    wire.close();
  };
  await Promise.all(Array.from({ length: wires }, work));
  return took;
}

/** News of a dispute, signed as Standard Webhooks are. */
function webhook(views: Views, rank: number): string {
  const { tenant, livemode, id } = views.payment(rank % 1_000);
  const now = new Date();
  const body = JSON.stringify({
    type: 'dispute.opened',
    timestamp: now.toISOString(),
    data: {
      id: `dsp_${randomUUID()}`,
      merchant_reference: `${tenant}/${livemode ? 'live' : 'test'}/${id}`,
      amount: { value: '40', currency: 'USD' },
      reason: 'fraudulent',
    },
  });
  const name = randomUUID();
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  const signature = createHmac('sha256', SECRET).update(`${name}.${timestamp}.${body}`).digest('base64');
  const headers = { 'webhook-id': name, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
  return requestText('POST', PATH, headers, body);
}
