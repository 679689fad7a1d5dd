/** The pipeline of this checkout against that of the first version that paid end to end, rebuilt and run in turns with it. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { paths } from './launcher/checkout.mjs';

const SPINE = 'f6d93e7';
/** Even: which of the two comes first is worth more than the gate on a machine whose speed changes, and each does so as often. */
const PAIRS = 4;
/** What it is held against: applied a second, this one's over the spine's. */
const GATE = 0.95;

/** @typedef {{ applied_per_s: number, cpu_us: Record<string, number> }} Step */

/**
 * Prints each pair and the medians. On a machine with anything else to do the figures mean nothing.
 * @param {string} size @returns {Promise<number>} the exit code: 1 where a run failed, or the median misses the gate
 */
export async function againstSpine(size) {
  const spine = join(paths.state, 'spine');
  if (!existsSync(join(spine, 'package.json'))) {
    const cloned = await run('git', ['clone', '--quiet', '--no-checkout', paths.root, spine], paths.root);
    if (cloned !== 0 || (await run('git', ['checkout', '--quiet', SPINE], spine)) !== 0) {
      console.error(`the spine (${SPINE}) is not in this checkout's history: it takes a whole clone, by git`);
      return 1;
    }
  }
  const rates = [];
  const costs = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const [first, second] = pair % 2 === 0 ? [spine, paths.root] : [paths.root, spine];
    for (const checkout of [first, second])
      if ((await run(process.execPath, [join('tools', 'bench.mjs'), 'pipeline', '--size', size], checkout)) !== 0)
        return 1;
    const [was, is] = [fastestStepIn(spine, size), fastestStepIn(paths.root, size)];
    rates.push(is.applied_per_s / was.applied_per_s);
    costs.push(sumOf(is) / sumOf(was));
    console.log(
      `pair ${pair + 1}: ${is.applied_per_s} applied/s against ${was.applied_per_s} of the spine, ${sumOf(is)} µs of CPU a payment against ${sumOf(was)}`,
    );
  }
  console.log(`applied/s: ${told(rates)} × the spine (gate: ${GATE}); CPU a payment: ${told(costs)} ×`);
  return medianOf(rates) < GATE ? 1 : 0;
}

/** @param {string} command @param {readonly string[]} args @param {string} cwd @returns {Promise<number>} its exit code */
function run(command, args, cwd) {
  const child = spawn(command, [...args], { cwd, stdio: 'inherit' });
  return new Promise((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** The step of the highest rate in what a checkout measured last. @param {string} checkout @param {string} size @returns {Step} */
function fastestStepIn(checkout, size) {
  const folder = join(checkout, '.payflow', 'bench');
  const [last] = readdirSync(folder)
    .filter((name) => name.startsWith(`pipeline-${size}-`))
    .map((name) => join(folder, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  return JSON.parse(readFileSync(/** @type {string} */ (last), 'utf8')).steps.at(-1);
}

/** @param {Step} step */
function sumOf({ cpu_us }) {
  return Object.values(cpu_us).reduce((sum, each) => sum + each, 0);
}

/** @param {readonly number[]} values */
function medianOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (/** @type {number} */ place) => sorted[place] ?? 0;
  return (at(Math.floor((sorted.length - 1) / 2)) + at(Math.floor(sorted.length / 2))) / 2;
}

/** @param {readonly number[]} values */
function told(values) {
  return `${medianOf(values).toFixed(2)} (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`;
}
