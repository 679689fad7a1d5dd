import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { sampleOf } from './sample.js';
import { SCHEMAS } from './schemas.js';

const schemas = [{ $id: 'api', components: { schemas: SCHEMAS } }];
const ajv = new Ajv2020({ strict: false, validateFormats: false, schemas });

it.each(Object.keys(SCHEMAS))('%s has a sample that is as it says', (name) => {
  const isValid = ajv.validate({ $ref: `api#/components/schemas/${name}` }, sampleOf(name));
  expect([isValid, ajv.errors]).toEqual([true, null]);
});
