import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const here = fileURLToPath(new URL('../../..', import.meta.url));

/** A launch of which there is no more than this: one trace comes, and then a Jaeger is there that does not run. */
const script = `
  import { mkdirSync, writeFileSync } from 'node:fs';
  import { freePorts, jaegerVersion } from './deploy/local/index.mjs';
  import { startTracing } from './tools/launcher/traces/tracing.mjs';
  const row = { working() {}, done() {}, skipped() {}, failed() {} };
  const [otlpHttp, jaegerUi, jaegerThrift] = await freePorts(3);
  const launch = {
    ports: { otlpHttp, jaegerUi, jaegerThrift },
    progress: { row: () => row },
    isClosing: () => false, becameCold() {}, onClose() {}, supervise() {},
  };
  const tracing = await startTracing(launch, { withJaeger: true });
  const span = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), name: 'pay', startTimeUnixNano: '1', endTimeUnixNano: '2' };
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'ledger' } }] };
  await fetch('http://127.0.0.1:' + otlpHttp + '/v1/traces', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] }),
  });
  const folder = '.payflow/cache/jaeger/' + jaegerVersion;
  mkdirSync(folder, { recursive: true });
  writeFileSync(folder + '/stamp.json', JSON.stringify({ version: jaegerVersion }));
  writeFileSync(folder + '/jaeger', '#!/bin/sh\\nexit 1\\n', { mode: 0o755 });
  const said = [];
  await tracing.completeInBackground((line) => said.push(line));
  const services = await fetch(tracing.ui + '/api/services').then((answer) => answer.json(), String);
  console.log(JSON.stringify({ said, services }));
  process.exit(0);`;

let checkout = '';
beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'payflow-tracing-'));
  const isSource = (/** @type {string} */ path) => !path.includes(`${sep}dist`) && !path.includes(`${sep}node_modules`);
  for (const part of [join('tools', 'launcher'), join('deploy', 'local')])
    cpSync(join(here, part), join(checkout, part), { recursive: true, filter: isSource });
});
afterEach(() => rmSync(checkout, { recursive: true }));

it('the launcher goes on keeping the traces, and those so far, where Jaeger is there and does not run', () => {
  const text = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: checkout,
    encoding: 'utf8',
    env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: '' },
  });
  const { said, services } = JSON.parse(text);
  expect(said.at(-1)).toContain('The launcher goes on keeping the latest traces itself');
  expect(services).toEqual({ data: ['ledger'] });
});
