import { readFileSync } from 'node:fs';
import { scenarioTable } from '@payflow/sandbox/scenarios';
import { between } from './topology.js';

const BEGIN = '<!-- scenarios: generated, do not edit -->';
const END = '<!-- /scenarios -->';

/** The pages that list the sandbox's scenarios. */
export function scenarioPages(): { path: string; content: string }[] {
  return ['apps/sandbox/README.md', 'docs/payments/sandbox.md', 'docs/gateway/test-mode.md'].map((path) => ({
    path,
    content: between(readFileSync(path, 'utf8'), `\n${scenarioTable()}\n`, BEGIN, END),
  }));
}
