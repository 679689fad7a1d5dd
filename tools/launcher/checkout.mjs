import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { PartFailure, checkoutDir, defaultRoot, programOf } from './local-stack.mjs';

/** Where things are in this checkout. */
export const paths = Object.freeze({
  root: checkoutDir,
  state: defaultRoot,
  run: join(defaultRoot, 'run'),
  logs: join(defaultRoot, 'logs'),
  tests: join(defaultRoot, 'test'),
  modules: join(checkoutDir, 'node_modules'),
  payflow: programOf('payflow'),
});

/** @typedef {'gateway' | 'payments' | 'ledger' | 'archiver' | 'monitoring'} ServiceName */

/** @type {readonly ServiceName[]} in the order they are shown */
export const serviceNames = ['gateway', 'payments', 'ledger', 'archiver', 'monitoring'];

const neededMajor = 24;

/**
 * The Node the services run on: the one npm brought (locked by its checksum), or this one if it is new enough.
 * @returns {string}
 */
export function runtime() {
  const brought = join(paths.modules, `node-${process.platform}-${process.arch}`, 'bin', 'node');
  if (existsSync(brought)) return brought;
  if (Number.parseInt(process.versions.node, 10) >= neededMajor) return process.execPath;
  throw new PartFailure('Node', `${neededMajor} is needed, and npm has none for ${process.platform}-${process.arch}`, {
    mend: `install Node ${neededMajor} and run the command with it`,
  });
}

/** @param {string} name @returns {string} */
export function logOf(name) {
  return join(paths.logs, `${name}.log`);
}
