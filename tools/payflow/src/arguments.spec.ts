import { describe, expect, it } from 'vitest';
import { parseInstant, parsePartitions, parseWords } from './arguments.js';
import { jobsCommands } from './commands/jobs.js';
import { outboxCommands } from './commands/outbox.js';
import { positionsCommands } from './commands/positions.js';

describe('an instant', () => {
  it.each([
    ['2026-11-21T08:00:00Z', '2026-11-21T08:00:00.000Z'],
    ['2026-11-21T08:00Z', '2026-11-21T08:00:00.000Z'],
    ['2026-11-21T08:00:00.5+01:00', '2026-11-21T07:00:00.500Z'],
  ])('is %s', (text, instant) => {
    expect(parseInstant(text).toISOString()).toBe(instant);
  });

  it.each([
    '1',
    '5',
    '2026',
    'yesterday',
    '2026-11-21',
    '2026-11-21T08:00:00',
    '2026-02-30T00:00:00Z',
    '2026-11-21T25:00Z',
  ])('is not %s', (text) => {
    expect(() => parseInstant(text)).toThrow('an instant such as');
  });
});

it('takes a partition that is named twice for one', () => {
  expect(parsePartitions('0,2,0')).toEqual([0, 2]);
});

describe('who decides, and why', () => {
  it.each(['a', 'a'.repeat(255), '💸'.repeat(255)])('is kept: %s', (text) => {
    expect(parseWords(text)).toBe(text);
  });

  it.each(['', 'a'.repeat(256)])('is refused where it could not be kept: %s', (text) => {
    expect(() => parseWords(text)).toThrow(`1 to 255 characters; it has ${text.length}`);
  });

  it('is looked at by each command that keeps it', () => {
    const commands = [outboxCommands(), positionsCommands(), jobsCommands()].flatMap((group) => group.commands);
    const options = commands.flatMap((command) => command.options);
    const asked = options.filter(({ long }) => long === '--actor' || long === '--reason');
    expect(asked).toHaveLength(8);
    expect(asked.every(({ parseArg }) => parseArg === (parseWords as unknown))).toBe(true);
  });
});
