import { expect, it } from 'vitest';
import { originForm } from './origin-form.js';

it.each([
  ['/api/v1/assets?limit=1', '/api/v1/assets?limit=1'],
  ['http://payflow.example/api/v1/assets?limit=1', '/api/v1/assets?limit=1'],
  ['HTTPS://user:pass@payflow.example:443/api/v1/assets', '/api/v1/assets'],
  ['http://payflow.example', '/'],
  ['http://payflow.example?x=1', '/?x=1'],
  ['//payflow.example/api', '//payflow.example/api'],
  ['*', '*'],
  ['ftp://payflow.example/api', 'ftp://payflow.example/api'],
])('%s is %s', (target, origin) => {
  expect(originForm(target)).toBe(origin);
});
