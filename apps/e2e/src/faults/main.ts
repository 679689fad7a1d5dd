import { SCENARIOS } from './index.js';

/** `node main.js <name>… [--short]`, or `all`; without a name lists them. Ends with 1 when a scenario failed. */
async function main(args: readonly string[]): Promise<number> {
  const short = args.includes('--short');
  const names = args.filter((arg) => !arg.startsWith('--'));
  const chosen = SCENARIOS.filter(({ name }) => names.includes('all') || names.includes(name));
  const unknown = names.filter((name) => name !== 'all' && !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0 || chosen.length === 0) {
    for (const { name, summary } of SCENARIOS) console.log(`${name.padEnd(14)} ${summary}`);
    return unknown.length > 0 || names.length > 0 ? 1 : 0;
  }
  let failed = 0;
  for (const scenario of chosen) {
    const startedAt = performance.now();
    console.log(`\n${scenario.name}: ${scenario.summary}`);
    try {
      await scenario.run({ short, say: (line) => console.log(line.replaceAll(/^/gm, '  ')) });
      console.log(`${scenario.name}: held (${seconds(startedAt)})`);
    } catch (error) {
      failed++;
      console.log(`${scenario.name}: FAILED (${seconds(startedAt)})\n${(error as Error).stack}`);
    }
  }
  console.log(`\n${chosen.length - failed} held, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function seconds(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`;
}

process.exit(await main(process.argv.slice(2)));
