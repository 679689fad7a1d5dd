import { describe, expect, it } from 'vitest';
import { commonFields, commonRules, redisFields } from './common-fields.js';
import { configurationTable, ConfigurationError, defineConfiguration, readConfiguration } from './configuration.js';
import type { Fields } from './field.js';
import { boolean, choice, duration, hosts, integer, port, ratio, secret, text, url } from './kinds.js';

const DEVELOPMENT_SECRET = 'a-development-secret-of-enough-length';
const description = 'd';
const fields = {
  PORT: port({ default: 3000, description }),
  POOL: integer({ min: 1, max: 10, default: 5, description }),
  WAIT: duration({ default: 2_000, description }),
  SHARE: ratio({ default: 1, inProduction: 0.01, description }),
  FLAG: boolean({ default: false, description }),
  KIND: choice(['a', 'b'], { default: 'a', description }),
  URL: url({ default: 'http://127.0.0.1:1', protocols: ['http', 'https'], description }),
  BROKERS: hosts({ default: ['127.0.0.1:9092'], description }),
  NAME: text({ default: null, description }),
  KEY: secret({ default: DEVELOPMENT_SECRET, description }),
  MUST: text({ description }),
} satisfies Fields;
const configuration = defineConfiguration('spec', fields);
const right = { NODE_ENV: 'development', MUST: 'x' };

const read = (env: NodeJS.ProcessEnv) => readConfiguration(configuration, { ...right, ...env });
function problems(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    read(env);
    return [];
  } catch (error) {
    return (error as ConfigurationError).problems;
  }
}

it('gives typed values, with defaults for what is not set', () => {
  expect(read({ WAIT: '500ms', PORT: '0', BROKERS: 'a:1,b:2', FLAG: 'true' })).toEqual({
    PORT: 0,
    POOL: 5,
    WAIT: 500,
    SHARE: 1,
    FLAG: true,
    KIND: 'a',
    URL: 'http://127.0.0.1:1',
    BROKERS: ['a:1', 'b:2'],
    NAME: undefined,
    KEY: DEVELOPMENT_SECRET,
    MUST: 'x',
  });
});

it.each([
  ['30s', 30_000],
  ['2h', 7_200_000],
  ['1ms', 1],
  ['2147483647ms', 2_147_483_647],
])('reads the duration %s', (given, ms) => expect(read({ WAIT: given }).WAIT).toBe(ms));

const wrong: [variable: string, value: string][] = [
  ['PORT', 'abc'],
  ['PORT', '65536'],
  ['PORT', '-1'],
  ['PORT', '80.5'],
  ['PORT', ' 80'],
  ['PORT', ''],
  ['POOL', '0'],
  ['POOL', '11'],
  ['POOL', '1e1'],
  ['WAIT', '30'],
  ['WAIT', '-5s'],
  ['WAIT', '2147483648ms'],
  ['WAIT', '100d'],
  ['WAIT', '1.5s'],
  ['SHARE', '1.1'],
  ['SHARE', '-0.1'],
  ['FLAG', 'yes'],
  ['KIND', 'c'],
  ['URL', 'http://host\n/x'],
  ['URL', 'http://ho st/'],
  ['URL', 'ftp://host/'],
  ['URL', '/relative'],
  ['URL', 'http://'],
  ['BROKERS', 'host'],
  ['BROKERS', 'host:1,'],
  ['KEY', 'short'],
  ['MUST', ''],
  ['MUST', 'a\u0000b'],
];
it.each(wrong)('refuses %s=%j', (variable, value) => {
  expect(problems({ [variable]: value })).toHaveLength(1);
  expect(problems({ [variable]: value })[0]).toMatch(new RegExp(`^${variable} `));
});

it('reports every problem at once and prints no value', () => {
  const found = problems({ PORT: 'abc-secret', POOL: '0', MUST: undefined, KEY: 'hunter2' });
  expect(found).toHaveLength(4);
  expect(found.join()).not.toMatch(/abc-secret|hunter2/);
});

it('takes an empty optional variable as unset', () => expect(read({ NAME: '' }).NAME).toBeUndefined());

describe('in production', () => {
  const production = { NODE_ENV: 'production', KEY: 'k'.repeat(32) };

  it('is where a process runs that was not told', () =>
    expect(problems({ NODE_ENV: undefined })).toEqual(['KEY is missing']));
  it('refuses the development secret, left unset or copied', () => {
    expect(problems({ ...production, KEY: undefined })).toHaveLength(1);
    expect(problems({ ...production, KEY: DEVELOPMENT_SECRET })).toHaveLength(1);
  });
  it('uses the defaults of production', () => expect(read(production).SHARE).toBe(0.01));
});

describe('the common variables', () => {
  const common = defineConfiguration(
    'gateway',
    { ...commonFields({ port: 3000, database: 'gateway' }), ...redisFields },
    commonRules,
  );

  it('have defaults for development', () => {
    expect(readConfiguration(common, { NODE_ENV: 'development' })).toMatchObject({
      PORT: 3000,
      HOST: '127.0.0.1',
      KAFKA_BROKERS: ['127.0.0.1:9092'],
    });
  });
  it('need the whole of SASL or none of it', () => {
    expect(() => readConfiguration(common, { NODE_ENV: 'development', KAFKA_SASL_USERNAME: 'u' })).toThrow(
      'must be set together',
    );
  });
  it('show no secret in their table', () => {
    const table = configurationTable(common);
    expect(table.split('\n')).toHaveLength(2 + Object.keys(common.fields).length);
    expect(table).not.toContain('payflow-development');
  });
});
