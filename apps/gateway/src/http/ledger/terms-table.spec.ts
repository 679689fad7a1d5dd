import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SCHEMAS } from '../openapi/schemas.js';
import { BULK_REQUEST_SCHEMA } from './bulk.request.js';
import { CONVERSION_REQUEST_SCHEMA } from './conversion.request.js';
import { CORRECTION_REQUEST_SCHEMA } from './correction.request.js';
import { HOLD_POST_REQUEST_SCHEMA, HOLD_REQUEST_SCHEMA, HOLD_VOID_REQUEST_SCHEMA } from './hold.request.js';
import { REVERSAL_REQUEST_SCHEMA } from './reversal.request.js';
import { TRANSFER_TEMPLATE_REQUEST_SCHEMA } from './template.request.js';
import { LEG_REQUEST_SCHEMA, TRANSFER_GROUP_REQUEST_SCHEMA, TRANSFER_REQUEST_SCHEMA } from './transfer.request.js';

const GUIDE = new URL('../../../../../docs/guides/move-money.md', import.meta.url);
const NOT_TAKEN = '–';

/** What a request may say, itself and of each of its transfers. */
const SAID: Readonly<Record<string, readonly { readonly properties: object }[]>> = {
  '`POST /transfers`, one': [TRANSFER_REQUEST_SCHEMA],
  '`POST /transfers` with `legs`': [TRANSFER_GROUP_REQUEST_SCHEMA, LEG_REQUEST_SCHEMA],
  // Its legs are the template's.
  '`POST /transfers` with `variables`': [TRANSFER_TEMPLATE_REQUEST_SCHEMA, { properties: { up_to: {} } }],
  '`POST /transfers/bulk`': [BULK_REQUEST_SCHEMA, TRANSFER_REQUEST_SCHEMA],
  '`POST /conversions`': [CONVERSION_REQUEST_SCHEMA],
  '`POST /transfers/:id/reverse`': [REVERSAL_REQUEST_SCHEMA],
  '`POST /transfers/:id/correct`': [CORRECTION_REQUEST_SCHEMA],
  '`POST /holds`': [HOLD_REQUEST_SCHEMA],
  '`POST /holds/:id/post`': [HOLD_POST_REQUEST_SCHEMA],
  '`POST /holds/:id/void`': [HOLD_VOID_REQUEST_SCHEMA],
};
/** `dry_run` is taken off before a body is read: the document alone has it in its schema. */
const DOCUMENTED: Readonly<Record<string, string>> = {
  '`POST /transfers`, one': 'TransferRequest',
  '`POST /transfers` with `legs`': 'TransferGroupRequest',
  '`POST /transfers` with `variables`': 'TransferTemplateRequest',
  '`POST /transfers/bulk`': 'TransferBulkRequest',
  '`POST /conversions`': 'ConversionRequest',
  '`POST /transfers/:id/reverse`': 'ReversalRequest',
  '`POST /transfers/:id/correct`': 'CorrectionRequest',
  '`POST /holds`': 'HoldRequest',
  '`POST /holds/:id/post`': 'HoldPostRequest',
  '`POST /holds/:id/void`': 'HoldVoidRequest',
};
/** The fields of a body that the guide has a column for, `dry_run` behind them. */
const FIELDS = ['id', 'type', 'up_to', 'conditions', 'effective_at', 'metadata'] as const;

const rows = readFileSync(GUIDE, 'utf8')
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, name = '']) => name in SAID);

describe('what the guide says that each request takes', () => {
  it('is said of all of them', () => {
    expect(rows.map(([, name]) => name)).toEqual(Object.keys(SAID));
  });

  it.each(rows.map((cells) => [cells[1] as string, cells.slice(2)] as const))('%s', (name, cells) => {
    const taken = FIELDS.filter((field) => SAID[name]?.some(({ properties }) => field in properties));
    expect(FIELDS.filter((_, at) => cells[at] !== NOT_TAKEN)).toEqual(taken);
    const { properties } = SCHEMAS[DOCUMENTED[name] ?? ''] as { readonly properties: object };
    expect(cells[FIELDS.length] !== NOT_TAKEN).toBe('dry_run' in properties);
  });
});
