/**
 * What `npm start` shows once everything runs, for `docker compose up`: one payment through all services, its final state
 * with the time it took, the command that made it, and its trace. Addresses are those of the machine outside.
 */
import { spawn } from 'node:child_process';

import { readTrace } from '../../tools/launcher/traces/read-trace.mjs';
import { report } from './report.mjs';

const payflow = new URL('../../dist/payflow.mjs', import.meta.url).pathname;
const ports = {
  gateway: 'PAYFLOW_API_PORT',
  payments: 'PAYFLOW_PAYMENTS_PORT',
  ledger: 'PAYFLOW_LEDGER_PORT',
  archiver: 'PAYFLOW_ARCHIVER_PORT',
  monitoring: 'PAYFLOW_MONITORING_PORT',
};
/** Services hand over their spans every half second. */
const traceWithinMs = 15_000;

/** @param {string} name */
function needed(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** @param {string} portName */
function outside(portName) {
  return `http://127.0.0.1:${needed(portName)}`;
}

/** @param {string} api @returns {Promise<import('./report.mjs').Demo>} */
async function makePayment(api) {
  const child = spawn(process.execPath, ['--enable-source-maps', payflow, 'demo', '--api', api], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`payflow demo ended with ${code}`);
  return JSON.parse(text);
}

const inside = needed('PAYFLOW_API_URL');
const services = Object.fromEntries(Object.entries(ports).map(([service, name]) => [service, outside(name)]));
const sandbox = outside('PAYFLOW_SANDBOX_PORT');
const jaeger = outside('JAEGER_UI_PORT');
const demo = await makePayment(inside);
const trace = await readTrace(needed('JAEGER_UI_URL'), demo.traceId, {
  services: Object.keys(services),
  withinMs: traceWithinMs,
});
process.stdout.write(`${report({ demo, trace, inside, services, sandbox, jaeger })}\n`);
