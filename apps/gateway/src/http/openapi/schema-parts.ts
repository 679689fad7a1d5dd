import { ACCOUNT_KINDS, idPattern, MONTH_PATTERN, type IdKind } from '@payflow/contracts';

export const id = (kind: IdKind) => ({ type: 'string', pattern: idPattern(kind) });
export const amount = { type: 'string', pattern: '^(0|[1-9][0-9]{0,18})$', description: 'Minor units, as digits.' };
export const signedAmount = {
  type: 'string',
  pattern: '^-?(0|[1-9][0-9]{0,18})$',
  description: 'Minor units; negative where the overdraft allows it.',
};
export const instant = { type: 'string', format: 'date-time' };
export const nullableText = { type: ['string', 'null'] };
export const version = { type: 'integer', minimum: 0 };
export const assetCode = { type: 'string', examples: ['USD'] };
export const overdraft = { enum: ['none', 'limited', 'unbounded'] };
export const kind = { enum: ACCOUNT_KINDS };
export const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
export const nullable = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });
export const transferFailure = nullable(resource({ code: { type: 'string' }, leg: { type: ['integer', 'null'] } }));
export const rate = resource({ numerator: amount, denominator: amount });
export const rateOrNone = {
  ...nullable(rate),
  description: "Of a conversion: minor units of the second transfer's asset for minor units of the first's.",
};
export const transferStatus = { enum: ['pending', 'posted', 'failed'] };

export function resource(properties: Record<string, object>): object {
  return { type: 'object', required: Object.keys(properties), properties };
}

/** A body that may also only ask what would come of it. */
export function orDryRun<S extends { readonly properties: object }>(schema: S): object {
  const dry_run = {
    type: 'boolean',
    description:
      'True: only what would come of it is told; no Idempotency-Key is needed. Accounts are told of only with the scope `accounts:read`.',
  };
  return { ...schema, properties: { ...schema.properties, dry_run } };
}

export const fieldProblem = resource({
  pointer: { type: 'string' },
  code: { type: 'string' },
  detail: { type: 'string' },
});
export const basis = { enum: ['recorded', 'effective'] };
export const completeUntil = {
  ...instant,
  description:
    'No transaction still open can add anything before it. By effective time, what is backdated can, until its month is closed.',
};
export const hash = { type: 'string', pattern: '^[0-9a-f]{64}$' };
export const count = { type: 'integer', minimum: 0 };
export const place = { index: count, size: count, path: { type: 'array', items: hash } };
export const posted = { posted_debits: amount, posted_credits: amount };
export const kindTotal = { asset: assetCode, kind, accounts: count, ...posted, balance: signedAmount };

/** Sums over accounts may pass what one counter can hold. */
export const sum = { type: 'string', pattern: '^(0|[1-9][0-9]{0,37})$', description: 'Minor units, as digits.' };
export const period = {
  id: { type: 'string', pattern: MONTH_PATTERN, description: 'A month of UTC.' },
  object: { const: 'period' },
  status: {
    enum: ['requested', 'closing', 'closed'],
    description: '`closing` bars the month; `closed` has its figures.',
  },
  ends_at: { ...nullable(instant), description: 'The first instant after it.' },
  closing_at: nullable(instant),
  closed_at: nullable(instant),
  hash: { ...nullable(hash), description: 'Over the hash of the period before and the figures.' },
};

export const text = { type: 'string' };
export const accountPatterns = nullable({
  type: 'array',
  items: resource({ path: nullableText, kind: nullable(kind) }),
});

export function list(item: string): object {
  return resource({
    data: { type: 'array', items: { $ref: `#/components/schemas/${item}` } },
    next_cursor: nullableText,
  });
}
