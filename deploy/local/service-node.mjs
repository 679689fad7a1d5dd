import { join } from 'node:path';
import { checkoutDir } from './provision.mjs';

/**
 * How Node runs a service. A message's objects live for some milliseconds, and in the usual 16 MB of new space a busy service
 * would sweep them too often while they live: 32 MB took 7 % off the CPU of a payment, and 64 MB from the start as much again
 * off that of a posting. `deploy/Dockerfile` says the same.
 */
export const serviceNodeArgs = ['--enable-source-maps', '--min-semi-space-size=64', '--max-semi-space-size=64'];

/**
 * What Node runs: a service, the sandbox or `payflow`, with all that it loads, as `npm run build` leaves it.
 * @param {string} name
 */
export function programOf(name) {
  return join(checkoutDir, 'dist', `${name}.mjs`);
}
