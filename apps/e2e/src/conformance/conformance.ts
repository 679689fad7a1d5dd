import { CardHouse } from '../house/card-house.js';
import type { Environment } from '../house/service-process.js';
import type { Run, Scenario } from '../faults/scenario.js';
import { playSchemathesis } from './schemathesis.js';
import { playProperties, type Client, type Outcome } from './property-client.js';

/** Of each kind, valid and flawed. */
const EXAMPLES = 500;
const EXAMPLES_SHORT = 4;
const AT_A_TIME = 6;
/** What is asked here is more than any client may ask. */
const WITHOUT_LIMITS: Environment = { RATE_LIMIT_PER_MINUTE: '10000000' };

/** The gateway does what its document says, whatever it is asked. */
export const conformance: Scenario = {
  name: 'conformance',
  summary: 'what the OpenAPI document promises, held against requests made of it: valid, flawed and one upon another',
  run: async (run) => {
    const stage = await CardHouse.open('conformance', WITHOUT_LIMITS);
    try {
      const { apiKey, accounts } = stage.merchant;
      const client = { base: stage.house.api, apiKey, known: [stage.clearing, ...accounts] };
      await own(client, run);
      if (!run.short) await playSchemathesis({ ...client, examples: examplesOf(run), seed: seedOf(), say: run.say });
      await stage.house.verify();
    } catch (error) {
      stage.house.keepLogs();
      throw error;
    } finally {
      await stage.close();
    }
  },
};

async function own(client: Client, run: Run): Promise<void> {
  const { say } = run;
  const seed = seedOf();
  say(`our own client, seed ${seed}`);
  const outcomes = await playProperties(client, { examples: examplesOf(run), seed, atATime: AT_A_TIME, say });
  expectNone(outcomes);
  const sent = outcomes.reduce((sum, outcome) => sum + outcome.sent, 0);
  say(`${outcomes.length} operations, ${sent} requests, no 5xx, nothing undocumented, nothing invalid accepted`);
}

function examplesOf({ short }: Run): number {
  return short ? EXAMPLES_SHORT : Number(process.env['EXAMPLES'] ?? EXAMPLES);
}

/** `SEED` plays a run again. */
function seedOf(): number {
  return Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
}

function expectNone(outcomes: readonly Outcome[]): void {
  const failed = outcomes.filter(({ faults }) => faults.length > 0);
  if (failed.length === 0) return;
  const told = failed.map(({ operation, faults }) => `${operation}\n${faults.join('\n')}`);
  throw new Error(`${failed.length} operations are not as the document says:\n${told.join('\n\n')}`);
}
