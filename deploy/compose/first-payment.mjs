/**
 * What `npm start` shows once everything runs, for `docker compose up`: one payment through all services, its final state
 * with the time it took, the command that made it, and its trace. Addresses are those of the machine outside.
 */
import { spawn } from 'node:child_process';

import { readTrace } from '../../tools/launcher/traces/read-trace.mjs';
import { drawWaterfall, duration, spanOf } from '../../tools/launcher/traces/waterfall.mjs';

const payflow = new URL('../../tools/payflow/dist/main.js', import.meta.url).pathname;
const services = ['gateway', 'payments', 'ledger', 'archiver', 'monitoring'];
/** Services hand over their spans every few seconds. */
const traceWithinMs = 15_000;
/** The output is a log, which tells no width. */
const width = 110;

/** @param {string} name */
function needed(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/**
 * @typedef {{ payment: Record<string, unknown>, elapsedMs: number, traceId: string, apiKey: string, curl: string, login?: { email: string, curl: string } }} Demo
 * @param {string} api @returns {Promise<Demo>}
 */
async function makePayment(api) {
  const child = spawn(
    process.execPath,
    ['--disable-warning=TimeoutNegativeWarning', '--enable-source-maps', payflow, 'demo', '--api', api],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`payflow demo ended with ${code}`);
  return JSON.parse(text);
}

/** @param {{ demo: Demo, trace: import('../../tools/launcher/traces/jaeger-model.mjs').Trace | null, api: string, jaeger: string, curl: string }} facts */
function report({ demo: { payment, elapsedMs, traceId, apiKey, login }, trace, api, jaeger, curl }) {
  const { id, status, amount, asset } = payment;
  return [
    '',
    `  Payment  ${id}  ${status} in ${elapsedMs} ms  (${amount} ${asset}, minor units)`,
    '',
    '  made with',
    `    ${curl}`,
    '',
    ...(trace === null
      ? [`  Trace    ${traceId}  (no span of it has arrived)`]
      : [
          `  Trace    ${traceId}  ${trace.spans.length} spans, ${duration(spanOf(trace))}`,
          '',
          ...drawWaterfall(trace, { width }),
        ]),
    '',
    `  API      ${api}/api/v1  key ${apiKey}`,
    `  Docs     ${api}/docs`,
    ...(login ? [`  Log in   ${login.email}`, ...login.curl.split('\n').map((line) => `    ${line}`)] : []),
    `  Jaeger   ${jaeger}/trace/${traceId}`,
    `  Logs     docker compose logs -f ${services[0]}`,
    '',
  ].join('\n');
}

const inside = needed('PAYFLOW_API_URL');
const api = `http://127.0.0.1:${needed('PAYFLOW_API_PORT')}`;
const jaeger = `http://127.0.0.1:${needed('JAEGER_UI_PORT')}`;
const demo = await makePayment(inside);
const trace = await readTrace(needed('JAEGER_UI_URL'), demo.traceId, { services, withinMs: traceWithinMs });
// On one line: every line of a container's output begins with its name, which nobody wants to cut out of a command.
const curl = demo.curl.replaceAll(' \\\n', '').replaceAll(/ {2,}/g, ' ').replace(inside, api);
process.stdout.write(`${report({ demo, trace, api, jaeger, curl })}\n`);
