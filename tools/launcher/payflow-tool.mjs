import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';

import { logOf, paths, runtime } from './checkout.mjs';
import { PartFailure, lastWords, openLog, sizeOf } from './local-stack.mjs';

/**
 * Runs a command of the `payflow` tool, which answers in lines of JSON; the rest of what it says goes to the log.
 * @param {'setup' | 'demo'} command @param {readonly string[]} args @param {NodeJS.ProcessEnv} env
 * @returns {Promise<unknown[]>}
 */
export async function runPayflow(command, args, env) {
  const logFile = logOf(command);
  const log = openLog(logFile);
  const logFrom = sizeOf(logFile);
  const child = spawn(runtime(), ['--enable-source-maps', paths.payflow, command, ...args], {
    cwd: paths.root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', log],
  });
  closeSync(log);
  let text = '';
  child.stdout?.on('data', (chunk) => (text += String(chunk)));
  /** @type {string} */
  const problem = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? '' : `ended with ${signal ?? `code ${code}`}`));
  });
  if (problem === '') return answersIn(text);
  const said = lastWords(logFile, logFrom);
  throw new PartFailure(`payflow ${command}`, said === '' ? problem : `${problem}: ${said}`, { logFile });
}

/** @param {string} text @returns {unknown[]} */
function answersIn(text) {
  return text.split('\n').flatMap((line) => {
    try {
      return line.startsWith('{') ? [JSON.parse(line)] : [];
    } catch {
      return [];
    }
  });
}

/**
 * Databases, roles, migrations and topics; answers with each service's own environment.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Map<string, Record<string, string>>>}
 */
export async function setUpServices(env) {
  const answers = /** @type {{ service?: string, env?: Record<string, string> }[]} */ (
    await runPayflow('setup', [], env)
  );
  return new Map(answers.flatMap(({ service, env: own }) => (service === undefined ? [] : [[service, own ?? {}]])));
}

/** @typedef {{ payment: Record<string, unknown>, elapsedMs: number, curl: string, traceId: string, apiKey: string, login?: { email: string, curl: string } }} Demo */

/** @param {string} api @param {NodeJS.ProcessEnv} env @returns {Promise<Demo>} */
export async function makeFirstPayment(api, env) {
  const answer = (await runPayflow('demo', ['--api', api], env)).at(-1);
  if (answer === undefined) throw new PartFailure('payflow demo', 'printed no result', { logFile: logOf('demo') });
  return /** @type {Demo} */ (answer);
}
