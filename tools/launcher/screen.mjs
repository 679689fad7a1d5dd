import { relative } from 'node:path';

import { paths } from './checkout.mjs';
import { PartFailure, messageOf } from './local-stack.mjs';

const coloured = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined;

/** @param {number} code @returns {(text: string) => string} */
const style = (code) => (text) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = style(1);
export const dim = style(2);
export const red = style(31);
export const green = style(32);
export const yellow = style(33);
/** One per service, in the order of the services. */
export const serviceStyles = [style(36), style(35), style(32), style(33), style(34)];

export function columns() {
  return Math.max(80, Math.min(process.stdout.columns ?? 110, 140));
}

/** @param {number} ms @returns {string} */
export function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Milliseconds since this process was born, its own start-up included. */
export function sinceLaunch() {
  return performance.now();
}

/** @param {string} file @returns {string} the path as typed from the checkout, if it is inside */
export function shown(file) {
  const inside = relative(paths.root, file);
  return inside.startsWith('..') ? file : inside;
}

/** @param {unknown} error  what stopped us: printed as part, cause, log and remedy */
export function printFailure(error) {
  const failure = error instanceof PartFailure ? error : new PartFailure('The launcher', messageOf(error));
  console.error(`\n${red(bold(`✗ ${failure.part}`))}: ${failure.reason}`);
  if (failure.logFile !== undefined) console.error(`  log      ${shown(failure.logFile)}`);
  if (failure.mend !== undefined) console.error(`  to mend  ${failure.mend}`);
  if (!(error instanceof PartFailure) && error instanceof Error) console.error(dim(error.stack ?? ''));
}
