import { drawWaterfall, duration, spanOf } from '../../tools/launcher/traces/waterfall.mjs';

/** The output is a log, which tells no width. */
const width = 110;

/** @typedef {import('../../tools/launcher/payflow-tool.mjs').Demo} Demo */

/**
 * What a person sees once the first payment is through. Every address is one of the machine outside: what the payment was made
 * with inside is known to nobody there.
 * @param {object} facts
 * @param {Demo} facts.demo
 * @param {import('../../tools/launcher/traces/jaeger-model.mjs').Trace | null} facts.trace
 * @param {string} facts.inside  the API's address among the containers
 * @param {Readonly<Record<string, string>>} facts.services  each service's address outside, the gateway's first
 * @param {string} facts.sandbox
 * @param {string} facts.jaeger
 * @returns {string}
 */
export function report({ demo, trace, inside, services, sandbox, jaeger }) {
  const { payment, elapsedMs, traceId, apiKey } = demo;
  const { status, failure } = /** @type {{ status: string, failure?: { code: string } | null }} */ (payment);
  const api = String(services['gateway']);
  const outside = (/** @type {string} */ command) => onOneLine(command).replaceAll(inside, api);
  return [
    '',
    `  Payment  ${payment['id']}  ${status}${failure ? ` (${failure.code})` : ''} in ${elapsedMs} ms  (${payment['amount']} ${payment['asset']}, minor units)`,
    '',
    '  made with',
    `    ${outside(demo.curl)}`,
    '',
    ...traceLines(traceId, trace),
    '',
    `  API      ${api}/api/v1  key ${apiKey}`,
    `  Docs     ${api}/docs`,
    `  Jaeger   ${jaeger}/trace/${traceId}`,
    ...Object.entries(services).map(
      ([service, url], index) => `  ${index === 0 ? 'Health' : '      '}   ${url}/health  ${service}`,
    ),
    `  Sandbox  ${sandbox}  acquirer of card payments; its scenarios: docs/payments/sandbox.md`,
    '  Logs     docker compose logs -f gateway',
    ...(demo.login ? ['', `  Log in   ${demo.login.email}  the first owner`, `    ${outside(demo.login.curl)}`] : []),
    '',
  ].join('\n');
}

/** @param {string} traceId @param {import('../../tools/launcher/traces/jaeger-model.mjs').Trace | null} trace */
function traceLines(traceId, trace) {
  if (trace === null) return [`  Trace    ${traceId}  (no span of it has arrived)`];
  return [
    `  Trace    ${traceId}  ${trace.spans.length} spans, ${duration(spanOf(trace))}`,
    '',
    ...drawWaterfall(trace, { width }),
  ];
}

/**
 * Every line of a container's output begins with its name, which nobody wants to cut out of a command.
 * @param {string} command
 */
function onOneLine(command) {
  return command.replaceAll(' \\\n', '').replaceAll(/ {2,}/g, ' ');
}
