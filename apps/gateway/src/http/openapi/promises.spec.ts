import { newId } from '@payflow/contracts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { openApiDocument } from './document.js';
import { OPERATIONS } from './operations.js';
import { SCHEMAS } from './schemas.js';

interface Parameter {
  readonly name: string;
  readonly schema: object;
}
const { paths } = openApiDocument() as {
  readonly paths: Record<string, Record<string, { readonly parameters: readonly Parameter[] }>>;
};
const bodyOf = (name: string) => SCHEMAS[name] as { readonly properties?: { readonly id?: object } };

/** Where the document once said something else than the gateway does: what the conformance campaign has found. */
describe('the document', () => {
  it('tells of an id that was used before wherever a client may give one that must be new', () => {
    const giving = OPERATIONS.filter(({ id, body }) => body && bodyOf(body).properties?.id && !id.startsWith('define'));
    expect(giving.map(({ id }) => id)).toContain('postHold');
    expect(giving.filter(({ problems }) => !problems.includes('id_reused'))).toEqual([]);
  });

  it('lets the audit log be asked about keys and users alike', () => {
    const actor = paths['/api/v1/audit_log']?.['get']?.parameters.find(({ name }) => name === 'actor');
    const isValid = new Ajv2020({ strict: false }).compile(actor?.schema ?? false);
    expect([newId('apiKey'), newId('user'), newId('account')].map((id) => isValid(id))).toEqual([true, true, false]);
  });

  it('has patterns that are understood outside of JavaScript: no property of Unicode', () => {
    const patterns = [...JSON.stringify(openApiDocument()).matchAll(/"pattern":"((?:[^"\\]|\\.)*)"/g)].map(
      ([, one]) => one,
    );
    expect(patterns.length).toBeGreaterThan(0);
    expect(patterns.filter((one) => /\\p\{/iu.test(one ?? ''))).toEqual([]);
  });

  it('knows the ids in paths, of things too that are listed and not shown', () => {
    const path = paths['/api/v1/auth/sessions/{id}']?.['delete']?.parameters.find(({ name }) => name === 'id');
    const isValid = new Ajv2020({ strict: false }).compile(path?.schema ?? false);
    expect([newId('session'), newId('user'), 'x'].map((id) => isValid(id))).toEqual([true, false, false]);
  });
});
