import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CardHouse } from '../house/card-house.js';
import { addApiKey } from '../house/merchant.js';
import { askForSecrets, playAccess, playClock } from './access-examples.js';
import { GUESSES_ARE_SEEN, playBlock } from './block-examples.js';
import { playDisputes } from './dispute-examples.js';
import { readDocument, scopesIn, type ApiDocument, type Operation } from './document.js';
import { ExamplePlayer, shapeOf, type ExampleRequest } from './example-player.js';
import { playScript } from './example-script.js';

/** `UPDATE_EXAMPLES=1` writes what was played to where the document takes it from. */
const RECORDED = join(import.meta.dirname, '../../../gateway/src/http/openapi/recorded-examples.json');

/** What monitoring has seen by the moment it is asked, and whether a month that is closing has been closed by then: held to its schema like all others, and not the same twice. */
const OF_THE_MOMENT = [
  'getMonitoringHealth',
  'getMonitoringSummary',
  'getMonitoringDatabase',
  'closePeriod',
  'getPeriod',
];

describe('every example of the OpenAPI document', () => {
  let desk: CardHouse;
  let document: ApiDocument;
  let player: ExamplePlayer;

  beforeAll(async () => {
    desk = await CardHouse.open('examples', { RATE_LIMIT_PER_MINUTE: '10000000', ...GUESSES_ARE_SEEN });
    document = await readDocument(desk.house.api);
    const { key: apiKey } = await addApiKey(desk.house.databases, desk.merchant.tenant, scopesIn(document));
    player = new ExamplePlayer(document, { base: desk.house.api, apiKey });
  });
  afterAll(() => desk?.close());

  it('can be played, and each answer is as the document says', async () => {
    await playScript(player);
    await playDisputes(player, desk);
    await playBlock(player, desk);
    await playAccess(player, desk, scopesIn(document));
    await playClock(player);
    if (process.env['UPDATE_EXAMPLES'])
      writeFileSync(RECORDED, `${JSON.stringify(Object.fromEntries(player.played), null, 2)}\n`);
  });

  it('that was played is what the document shows: the same members in request and answer', () => {
    const lasting = [...player.played].filter(([id]) => !OF_THE_MOMENT.includes(id));
    const played = lasting.map(([id, { request, answers }]) => [id, shapeOf(request.body), shapeOf(answers)]);
    const shown = lasting.map(([id, { answers }]) => {
      const operation = document.operations.find((one) => one.id === id) as Operation;
      const examples = Object.keys(answers).map((status) => [
        status,
        operation.answers[status]?.content?.['application/json']?.example,
      ]);
      return [id, shapeOf(operation.body?.example), shapeOf(Object.fromEntries(examples))];
    });
    expect(played).toEqual(shown);
  });

  it('that has a secret in its answer is never written down, and has the members that are answered', async () => {
    const asked = [...(await askForSecrets(desk, scopesIn(document)))];
    const shown = asked.map(([id]) => {
      const { answers } = document.operations.find((one) => one.id === id) as Operation;
      const [made] = ['200', '201'].flatMap((status) => answers[status]?.content?.['application/json'] ?? []);
      return [id, shapeOf(made?.example)];
    });
    expect(asked.map(([id, answer]) => [id, shapeOf(answer)])).toEqual(shown);
  });

  it('that nobody brings about is taken all the same, and answered as documented', async () => {
    const others = document.operations.filter(({ id }) => !player.played.has(id));
    for (const operation of others) expect(await player.try(operation.id, exampleOf(operation))).toBeLessThan(500);
  });
});

/** The request that the document shows. */
function exampleOf({ parameters, body }: Operation): ExampleRequest {
  const of = (place: 'path' | 'query') =>
    Object.fromEntries(
      parameters
        .filter((one) => one.in === place && (one.example !== undefined || one.required === true))
        .map(({ name, example = 'none' }) => [name, String(example)]),
    );
  return { path: of('path'), query: of('query'), body: body?.example };
}
