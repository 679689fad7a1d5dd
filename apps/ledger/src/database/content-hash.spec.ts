import { hash } from 'node:crypto';
import { expect, it } from 'vitest';
import { CommandsOf, leg } from '../testing/commands.js';
import { contentHash } from './content-hash.js';

const ours = new CommandsOf();
const [first, second] = [leg('acct_a', 'acct_b', '1'), leg('acct_b', 'acct_c', '2', { up_to: true })];

it('of a group is what it was before a group could stop on its first refusal', () => {
  const legs = [
    [first.id, 'acct_a', 'acct_b', '1', 'USD', false],
    [second.id, 'acct_b', 'acct_c', '2', 'USD', true],
  ];
  const text = JSON.stringify(['payflow.group.post.v1', legs, [], null, [['k', 'v']]]);
  expect(contentHash(ours.group([first, second], { metadata: { k: 'v' } }))).toBe(hash('sha256', text, 'hex'));
});

it('of a group that may stop is another', () => {
  expect(contentHash(ours.group([first], { mode: 'stop_on_first' }))).not.toBe(contentHash(ours.group([first])));
});
