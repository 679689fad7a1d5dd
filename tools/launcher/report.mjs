import { serviceNames } from './checkout.mjs';
import { hasSandbox, sandboxUrl } from './sandbox.mjs';
import { bold, columns, dim, green, red, seconds, serviceStyles, yellow } from './screen.mjs';
import { portOf } from './services.mjs';
import { servicesIn } from './traces/jaeger-model.mjs';
import { drawWaterfall, duration, spanOf } from './traces/waterfall.mjs';

/**
 * What a person sees once the first payment is through.
 * @param {object} facts
 * @param {import('./payflow-tool.mjs').Demo} facts.demo
 * @param {import('./traces/jaeger-model.mjs').Trace | null} facts.trace
 * @param {string | null} facts.tracesAt
 * @param {import('./launch.mjs').Launch['ports']} facts.ports
 * @param {number} facts.firstPaymentMs  from the launch
 * @param {boolean} facts.cold
 * @returns {string}
 */
export function report({ demo, trace, tracesAt, ports, firstPaymentMs, cold }) {
  return [
    '',
    ...paymentLines(demo),
    '',
    ...traceLines(demo, trace, tracesAt),
    '',
    ...addressLines(demo, ports, tracesAt),
    ...loginLines(demo),
    '',
    `  ${bold(`First payment ${seconds(firstPaymentMs)} after the launch`)} (${cold ? 'cold: with downloads' : 'warm'}). ${dim('Ctrl-C drains and stops everything.')}`,
    '',
  ].join('\n');
}

/** @param {import('./payflow-tool.mjs').Demo} demo */
function paymentLines({ payment, elapsedMs, curl }) {
  const { status, failure } = /** @type {{ status: string, failure?: { code: string } | null }} */ (payment);
  const mark = status === 'succeeded' ? green(`✓ ${status}`) : yellow(failure ? `${status} (${failure.code})` : status);
  return [
    `  ${bold('Payment')}  ${String(payment['id'])}  ${mark} in ${Math.round(elapsedMs)} ms  ${dim(`${String(payment['amount'])} ${String(payment['asset'])}, minor units`)}`,
    '',
    `  ${dim('made with')}`,
    ...curl.split('\n').map((line) => `    ${line}`),
  ];
}

/** @param {import('./payflow-tool.mjs').Demo} demo @param {import('./traces/jaeger-model.mjs').Trace | null} trace @param {string | null} tracesAt */
function traceLines({ traceId }, trace, tracesAt) {
  if (trace === null) {
    const why = tracesAt === null ? 'set JAEGER_UI_URL to see it here' : 'no span of it has arrived';
    return [`  ${bold('Trace')}    ${traceId}  ${dim(`(${why})`)}`];
  }
  const present = [...servicesIn(trace)];
  const late = serviceNames.filter((service) => !present.some((name) => name.includes(service)));
  const note = late.length === 0 ? '' : yellow(`  (no spans yet from ${late.join(', ')})`);
  return [
    `  ${bold('Trace')}    ${traceId}  ${dim(`${trace.spans.length} spans, ${present.length} services, ${duration(spanOf(trace))}`)}${note}`,
    '',
    ...drawWaterfall(trace, { width: columns(), colour: colourOf, alarm: red }),
  ];
}

/** @param {string} service @param {string} text */
function colourOf(service, text) {
  const index = serviceNames.findIndex((name) => service.includes(name));
  return (serviceStyles[index] ?? dim)(text);
}

/** @param {import('./payflow-tool.mjs').Demo} demo */
function loginLines({ login }) {
  if (login === undefined) return [];
  return [
    '',
    `  ${bold('Log in')}   ${login.email}  ${dim('the first owner; also in .payflow/first-owner.json')}`,
    ...login.curl.split('\n').map((line) => `    ${line}`),
  ];
}

/** @param {import('./payflow-tool.mjs').Demo} demo @param {import('./launch.mjs').Launch['ports']} ports @param {string | null} tracesAt */
function addressLines({ apiKey, traceId }, ports, tracesAt) {
  const api = `http://127.0.0.1:${ports.api}`;
  return [
    `  ${bold('API')}      ${api}/api/v1   ${dim(`key ${apiKey}`)}`,
    `  ${bold('Docs')}     ${api}/docs`,
    ...(tracesAt === null ? [] : [`  ${bold('Jaeger')}   ${tracesAt.replace(/\/$/, '')}/trace/${traceId}`]),
    ...serviceNames.map(
      (service, index) =>
        `  ${bold(index === 0 ? 'Health' : '      ')}   http://127.0.0.1:${portOf(service, ports)}/health   ${dim(service)}`,
    ),
    ...(hasSandbox()
      ? [
          `  ${bold('Sandbox')}  ${sandboxUrl(ports)}   ${dim('acquirer of card payments; its scenarios: docs/payments/sandbox.md')}`,
        ]
      : []),
    `  ${bold('Logs')}     .payflow/logs/`,
  ];
}
