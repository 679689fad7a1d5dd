import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bulkParts, readItem } from './bulk-body.js';

const parts = async (text: string | Buffer, format: 'json' | 'ndjson' = 'json') => {
  const { head, items } = await bulkParts({ bytes: Buffer.from(text), format });
  return { head, items: items.map((item) => item.toString()) };
};

describe('a bulk in JSON', () => {
  it('comes apart into what JSON.parse makes of it', async () => {
    const members = fc.dictionary(
      fc.string().filter((key) => key !== 'transfers' && key !== '__proto__'),
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.constant(null)),
    );
    await fc.assert(
      fc.asyncProperty(members, fc.array(members), fc.constantFrom(0, 2), async (head, transfers, indent) => {
        const told = await parts(JSON.stringify({ ...head, transfers }, null, indent));
        expect({ ...told.head, transfers: told.items.map((item) => JSON.parse(item) as unknown) }).toEqual({
          ...(JSON.parse(JSON.stringify(head)) as object),
          transfers: JSON.parse(JSON.stringify(transfers)) as unknown,
        });
      }),
    );
  });

  it.each<[string, string, string[]]>([
    ['brackets in texts', '{"transfers":[{"a":"]}"},"\\"[,",7]}', ['{"a":"]}"}', '"\\"[,"', '7']],
    ['arrays and objects in items', '{"transfers":[[1,[2]],{"a":{"b":[]}}]}', ['[1,[2]]', '{"a":{"b":[]}}']],
    ['nothing between commas', '{"transfers":[1,,2,]}', ['1', '', '2', '']],
    ['blanks alone', '{"transfers":[ \n ]}', []],
    ['another member of the name further down', '{"a":{"transfers":[1]},"transfers":[2]}', ['2']],
  ])('with %s', async (_what, text, items) => {
    expect((await parts(text)).items).toEqual(items);
  });

  it.each([
    ['the items twice', '{"transfers":[],"transfers":[1]}'],
    ['an array that does not end', '{"transfers":[1'],
    ['a text that does not end', '{"transfers":["1]}'],
    ['brackets that do not match', '{"transfers":[1}}'],
    ['something behind it', '{"transfers":[1]}{}'],
    ['a byte order mark', '\ufeff{"transfers":[1]}'],
    ['nothing', ''],
  ])('is refused with %s', async (_what, text) => {
    await expect(parts(text)).rejects.toMatchObject({ code: 'invalid_json' });
  });

  it('is refused with more items than it may have, before they are all looked for', async () => {
    await expect(parts(`{"transfers":[${'1,'.repeat(10_001)}`)).rejects.toMatchObject({ code: 'invalid_request' });
    expect((await parts(`{"transfers":[${'1,'.repeat(9_999)}1]}`)).items).toHaveLength(10_000);
  });
});

describe('a bulk in lines', () => {
  it.each<[string, string, string[]]>([
    ['a line feed at its end', '1\n2\n', ['1', '2']],
    ['none at its end', '1\n2', ['1', '2']],
    ['carriage returns', '1\r\n2\r\n', ['1', '2']],
    ['an empty line', '1\n\n2', ['1', '', '2']],
    ['nothing', '', []],
  ])('with %s', async (_what, text, items) => {
    expect(await parts(text, 'ndjson')).toEqual({ head: {}, items });
  });

  it('may have ten thousand of them', async () => {
    expect((await parts('1\n'.repeat(10_000), 'ndjson')).items).toHaveLength(10_000);
    await expect(parts('1\n'.repeat(10_001), 'ndjson')).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

it.each([
  ['{"a":1}', undefined],
  ['7', 'invalid_request'],
  ['{"a":1,"a":2}', 'invalid_json'],
  ['', 'invalid_json'],
])('an item %j is told apart', (text, code) => {
  const read = () => readItem(Buffer.from(text));
  if (code) expect(read).toThrow(expect.objectContaining({ code }) as Error);
  else expect(read()).toEqual({ a: 1 });
});
