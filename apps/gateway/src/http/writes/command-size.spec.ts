import { GROUP_ACCOUNTS_MAX, LEGS_MAX, MESSAGES, newId, type MessageSpec } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import { expect, it } from 'vitest';
import type { Write } from '../../acceptance/acceptable.js';
import { callerOf } from '../../testing/caller.js';
import type { JsonObject } from '../edge/strict-json.js';
import { COMMAND_BYTES_MAX, GROUP_METADATA_BYTES_MAX, refuseOversized } from './command-size.js';
import { transferWrite } from '../ledger/transfer.request.js';

const caller = callerOf({ tenant: newId('tenant'), livemode: false });
const terms = {
  debit_account: newId('account'),
  credit_account: newId('account'),
  amount: '9223372036854775807',
  asset: 'USD',
};
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

/** Metadata of so many bytes as JSON, most of them in characters of three. */
function metadataOf(bytes: number): Record<string, string> {
  const room = bytes - bytesOf({ k: '' });
  return { k: '漢'.repeat(Math.floor(room / 3)) + 'x'.repeat(room % 3) };
}

function write(body: JsonObject, metadata: Record<string, string>): Write {
  return { ...transferWrite(body, caller, new Date()), command: { ...commandOf(body), metadata } } as Write;
}

const commandOf = (body: JsonObject) => transferWrite(body, caller, new Date()).command;
const refused = (one: Write) => {
  try {
    refuseOversized(one, bytesOf(one.command));
    return undefined;
  } catch (error) {
    return (error as Problem).code;
  }
};

it('refuses a command of one byte more than its event has room for', () => {
  const rest = bytesOf({ ...commandOf(terms), metadata: {} }) - bytesOf({});
  expect(refused(write(terms, metadataOf(COMMAND_BYTES_MAX - rest)))).toBeUndefined();
  expect(refused(write(terms, metadataOf(COMMAND_BYTES_MAX - rest + 1)))).toBe('payload_too_large');
});

it('refuses a group by its metadata alone, however many its legs', () => {
  const group = { legs: Array.from({ length: LEGS_MAX }, () => terms) };
  expect(refused(write(group, metadataOf(GROUP_METADATA_BYTES_MAX)))).toBeUndefined();
  expect(refused(write(group, metadataOf(GROUP_METADATA_BYTES_MAX + 1)))).toBe('payload_too_large');
});

it('leaves room in the event of the largest group', () => {
  const sum = '9223372036854775807';
  const counters = { posted_debits: sum, posted_credits: sum, pending_debits: sum, pending_credits: sum };
  const leg = { id: newId('transfer'), ...terms, asset: 'U'.repeat(12) };
  const event = {
    id: newId('group'),
    reverses: null,
    legs: Array.from({ length: LEGS_MAX }, () => leg),
    accounts: Array.from({ length: GROUP_ACCOUNTS_MAX }, () => ({
      id: terms.debit_account,
      ...counters,
      version: Number.MAX_SAFE_INTEGER,
    })),
    effective_at: new Date().toISOString(),
    metadata: metadataOf(GROUP_METADATA_BYTES_MAX),
    recorded_at: new Date().toISOString(),
  };
  const { valueBytes_max = 0 } = MESSAGES['payflow.group.posted.v1'] as MessageSpec<unknown>;
  expect(bytesOf(event)).toBeLessThan(valueBytes_max);
});
