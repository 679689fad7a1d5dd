import { newId } from '@payflow/contracts';
import { CardHouse } from '../house/card-house.js';
import { addApiKey } from '../house/merchant.js';
import type { Environment } from '../house/service-process.js';
import { untilAnswered } from '../house/wish.js';
import type { Run, Scenario } from '../faults/scenario.js';
import { GUESSES_ARE_SEEN, playBlock } from './block-examples.js';
import { playDisputes } from './dispute-examples.js';
import { readDocument, scopesIn, type Operation } from './document.js';
import { ExamplePlayer } from './example-player.js';
import { playScript } from './example-script.js';
import { people } from './people.js';
import { playSchemathesis } from './schemathesis.js';
import { playProperties, type Client, type Outcome } from './property-client.js';

/** Of each kind, valid and flawed. */
const EXAMPLES = 500;
const EXAMPLES_SHORT = 4;
const AT_A_TIME = 6;
/** Its parts. */
const SCHEMATHESIS = ['edges', 'stateful', 'random'];
/** What is asked here is more than any client may ask. */
const WITHOUT_LIMITS: Environment = { RATE_LIMIT_PER_MINUTE: '10000000', ...GUESSES_ARE_SEEN };
/** However valid the request is: a provider signs it, and its secret is nowhere told. Its own specs ask it, signed. */
const NEVER_ACCEPTED: ReadonlySet<string> = new Set(['receiveProviderWebhook']);

/** The gateway does what its document says, whatever it is asked. */
export const conformance: Scenario = {
  name: 'conformance',
  summary: 'what the OpenAPI document promises, held against requests made of it: valid, flawed and one upon another',
  run: async (run) => {
    const stage = await CardHouse.open('conformance', WITHOUT_LIMITS);
    try {
      const client = await clientOf(stage);
      if (plays('own')) await own(client, run);
      if (!run.short && SCHEMATHESIS.some(plays)) await schemathesis(client, run);
      await expectStillIn(client);
      await stage.house.verify();
    } catch (error) {
      throw stage.house.failed(error);
    } finally {
      await stage.close();
    }
  },
};

/** May do all that there is to do, has accounts with money of two assets, and one of each thing at least. */
async function clientOf(stage: CardHouse): Promise<Client> {
  const { house, merchant, clearing } = stage;
  const document = await readDocument(house.api);
  const addKey = (livemode: boolean) => addApiKey(house.databases, merchant.tenant, scopesIn(document), livemode);
  const [test, live] = [await addKey(false), await addKey(true)];
  const euros = { asset: 'EUR', kind: 'asset', overdraft: 'unbounded' };
  const opened = await Promise.all([1, 2].map(() => untilAnswered(merchant.api, '/api/v1/accounts', euros)));
  const known = [clearing, ...merchant.accounts, ...opened.map(({ body }) => body['id'] as string)];
  const player = new ExamplePlayer(document, { base: house.api, apiKey: test.key });
  await playScript(player);
  await playDisputes(player, stage);
  await playBlock(player, stage);
  const { tokens, played, ids } = await people(house.api, live.key);
  return {
    ...{ base: house.api, apiKey: test.key, liveKey: live.key, tokens, known },
    untouched: [test.id, live.id, ...ids],
    played: new Map([...player.played, ...played]),
  };
}

async function own(client: Client, run: Run): Promise<void> {
  const { say } = run;
  const seed = seedOf();
  say(`our own client, seed ${seed}`);
  const effort = { examples: examplesOf(run), seed, atATime: AT_A_TIME, say, asks: isChosen };
  const outcomes = await playProperties(client, effort);
  expectNone(outcomes.filter(({ faults }) => faults.length > 0));
  if (!run.short) expectAllAccepted(outcomes);
  const sent = outcomes.reduce((sum, outcome) => sum + outcome.sent, 0);
  say(`${outcomes.length} operations, ${sent} requests, no 5xx, nothing undocumented, nothing invalid accepted`);
}

async function schemathesis({ base, apiKey }: Client, run: Run): Promise<void> {
  const { operations } = await readDocument(base);
  const ids = operations.filter(isChosen).map(({ id }) => id);
  await playSchemathesis({
    base,
    apiKey,
    operations: ids,
    examples: examplesOf(run),
    seed: seedOf(),
    say: run.say,
    plays,
  });
}

function examplesOf({ short }: Run): number {
  return short ? EXAMPLES_SHORT : Number(process.env['EXAMPLES'] ?? EXAMPLES);
}

/** `SEED` plays a run again. */
function seedOf(): number {
  return Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
}

/** `PART=own` plays our own client alone, `PART=edges`, `stateful` or `random` that part of Schemathesis. */
function plays(part: string): boolean {
  return (process.env['PART'] ?? part) === part;
}

/** `OPERATIONS=createUser,getUser` asks these alone. */
function only(): readonly string[] {
  return process.env['OPERATIONS']?.split(',') ?? [];
}

function isChosen({ id }: Operation): boolean {
  return only().length === 0 || only().includes(id);
}

function expectNone(failed: readonly Outcome[]): void {
  if (failed.length === 0) return;
  const told = failed.map(({ operation, faults }) => `${operation}\n${faults.join('\n')}`);
  throw new Error(`${failed.length} operations are not as the document says:\n${told.join('\n\n')}`);
}

/** Where nothing was ever accepted, nothing was shown of what is. */
function expectAllAccepted(outcomes: readonly Outcome[]): void {
  const refused = outcomes.filter(({ operation, accepted }) => accepted === 0 && !NEVER_ACCEPTED.has(operation));
  if (refused.length > 0)
    throw new Error(`nothing was ever accepted by ${refused.map(({ operation }) => operation).join(', ')}`);
}

/** Whoever is refused for his key is told nothing else. */
async function expectStillIn({ base, apiKey }: Client): Promise<void> {
  const headers = { authorization: `Bearer ${apiKey}`, 'request-id': newId('event') };
  const { status } = await fetch(`${base}/api/v1/accounts`, { headers });
  if (status !== 200) throw new Error(`the key that all was asked with is answered ${status} in the end`);
}
