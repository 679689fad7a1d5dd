import { join } from 'node:path';

import { logOf, paths } from '../checkout.mjs';
import { cachedJaeger, ensureJaeger, jaegerVersion, messageOf, startJaeger } from '../local-stack.mjs';
import { withRow } from '../progress.mjs';
import { startStandIn } from './stand-in.mjs';

// Long enough to yield to everything a person is waiting for.
const buildNiceness = 19;

/**
 * Where spans go and where they can be seen.
 * @typedef {object} Tracing
 * @property {Record<string, string>} environment  for the services
 * @property {string | null} ui  null when only somebody else's collector is known
 * @property {(say: (line: string) => void) => Promise<void>} completeInBackground  builds Jaeger if it is still to be built
 */

/**
 * @param {import('../launch.mjs').Launch} launch @param {{ withJaeger: boolean }} options  without: only what the launcher
 *   can do itself
 * @returns {Promise<Tracing>}
 */
export function startTracing(launch, { withJaeger }) {
  const row = launch.progress.row('Jaeger');
  return withRow(row, async () => {
    const given = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
    if (given !== undefined && given !== '') {
      row.done('yours, from OTEL_EXPORTER_OTLP_ENDPOINT');
      return {
        environment: { OTEL_EXPORTER_OTLP_ENDPOINT: given },
        ui: process.env['JAEGER_UI_URL'] ?? null,
        completeInBackground: nothing,
      };
    }
    const ours = { environment: environmentFor(launch.ports), ui: `http://127.0.0.1:${launch.ports.jaegerUi}` };
    if (withJaeger && cachedJaeger() !== null) {
      row.working('starting');
      await startSupervised(launch);
      row.done(`${jaegerVersion} on port ${launch.ports.jaegerUi}`);
      return { ...ours, completeInBackground: nothing };
    }
    const standIn = await startStandIn(launch.ports);
    launch.onClose(() => void standIn.stop());
    row.skipped(
      withJaeger ? 'not built yet: the launcher keeps the traces until it is' : 'the launcher keeps the traces',
    );
    const complete = withJaeger
      ? (/** @type {(line: string) => void} */ say) => replace(standIn, launch, say)
      : nothing;
    return { ...ours, completeInBackground: complete };
  });
}

async function nothing() {}

/** @param {import('../launch.mjs').Launch['ports']} ports @returns {Record<string, string>} */
function environmentFor({ otlpHttp, jaegerThrift }) {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${otlpHttp}`,
    // The stand-in reads JSON only, and Jaeger reads either.
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_JAEGER_ENDPOINT: `http://127.0.0.1:${jaegerThrift}/api/traces`,
    // Five seconds by default: too long for somebody who waits to see the trace.
    OTEL_BSP_SCHEDULE_DELAY: process.env['OTEL_BSP_SCHEDULE_DELAY'] ?? '500',
  };
}

/** @param {import('../launch.mjs').Launch} launch */
async function startSupervised(launch) {
  const { otlpHttp, jaegerUi, jaegerThrift } = launch.ports;
  const start = () =>
    startJaeger({
      dir: join(paths.state, 'jaeger'),
      runDir: paths.run,
      logFile: logOf('jaeger'),
      ports: { otlpHttp, jaegerUi, jaegerThrift },
    });
  const server = await start();
  launch.supervise('Jaeger', server, start);
  return server;
}

/**
 * Builds Jaeger, gives it the stand-in's ports, and hands it what the stand-in took. In between, the services' exporters
 * find nobody for a moment, and try again.
 * @param {import('./stand-in.mjs').StandIn} standIn @param {import('../launch.mjs').Launch} launch
 * @param {(line: string) => void} say
 */
async function replace(standIn, launch, say) {
  try {
    await ensureJaeger({
      onProgress: (message) => say(`Jaeger: ${message}, in the background`),
      niceness: buildNiceness,
    });
    if (launch.isClosing()) return;
    await standIn.stop();
    const server = await startSupervised(launch).catch(async (error) => {
      await standIn.resume();
      throw error;
    });
    const isHandedOn = await handOn(standIn.payloads(), launch.ports.otlpHttp).then(
      () => true,
      () => false,
    );
    const traces = isHandedOn ? 'with the traces so far' : 'without all the traces so far';
    say(`Jaeger ${jaegerVersion} has taken over, ${traces}: ${server.url}/search`);
  } catch (error) {
    if (launch.isClosing()) return;
    say(`${messageOf(error)}. The launcher goes on keeping the latest traces itself.`);
  }
}

/** @param {readonly Buffer[]} payloads @param {number} port */
async function handOn(payloads, port) {
  for (const body of payloads) {
    await fetch(`http://127.0.0.1:${port}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Uint8Array(body),
    });
  }
}
