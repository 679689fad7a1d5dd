import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { verifyInternalToken } from '@payflow/service';

const SECRET = 's'.repeat(32);
/** A page of whatever is asked for, with nothing in it. */
const NOTHING = JSON.stringify({
  ...{ data: [], lines: [], asset: 'USD', opening_balance: '0', closing_balance: '0' },
  next: null,
});

/** What stands in for all owners of books. */
export interface Owners {
  /** Leads the gateway to them. */
  readonly env: Record<string, string>;
  close(): void;
}

/** Owners who show what they are asked for to its tenant, and to nobody else. */
export async function openOwners(tenant: () => string): Promise<Owners> {
  const server = createServer((request, response) => {
    const token = (request.headers.authorization ?? '').slice('Bearer '.length);
    const isTheirs = verifyInternalToken(SECRET, token, Date.now())?.tenant === tenant();
    response.writeHead(isTheirs ? 200 : 404, { 'content-type': 'application/json' });
    request.resume().on('end', () => response.end(isTheirs ? NOTHING : '{"code":"not_found"}'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    env: {
      PAYFLOW_INTERNAL_SECRET: SECRET,
      PAYFLOW_INTERNAL_LEDGER_URL: url,
      PAYFLOW_INTERNAL_PAYMENTS_URL: url,
      PAYFLOW_INTERNAL_MONITORING_URL: url,
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
