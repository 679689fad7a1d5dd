import type { AddressInfo } from 'node:net';
import { readConfiguration, startService } from '@payflow/service';
import type { Acceptable } from '../acceptance/acceptable.js';
import { paymentReply } from '../acceptance/payment-replies.js';
import { Writes, type Answer } from '../acceptance/writes.js';
import type { PaymentView } from '../domain/payment.js';
import { gatewayConfiguration } from '../gateway.config.js';
import { gatewayService } from '../gateway.service.js';

/** The gateway as it is. Returns its port. */
export function gateway(): Promise<number> {
  return start();
}

/** The gateway with an acceptance that keeps nothing. Returns its port. */
export function edge(): Promise<number> {
  return start(acceptAll);
}

async function start(instead?: (writes: Writes) => void): Promise<number> {
  const config = readConfiguration(gatewayConfiguration, { NODE_ENV: 'test', ...process.env });
  const { app } = await startService(gatewayService(), config);
  instead?.(app.get(Writes, { strict: false }));
  return (app.getHttpServer().address() as AddressInfo).port;
}

/** Everything but the acceptance: what it keeps is answered at once as if it had succeeded. */
function acceptAll(writes: Writes): void {
  writes.submit = ({ write: { view }, requestId }: Acceptable): Promise<Answer> =>
    Promise.resolve({
      kind: 'final',
      reply: paymentReply({ ...(view as PaymentView), status: 'succeeded', version: 3 }, requestId),
      replayed: false,
    });
}
