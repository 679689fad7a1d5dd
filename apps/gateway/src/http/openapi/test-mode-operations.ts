import { CLOCK_REQUEST_SCHEMA, RESET_REQUEST_SCHEMA } from '../../test-mode/clock.request.js';
import { CHANGE_PROBLEMS, OWN_PROBLEMS, type Operation } from './operation.js';
import { count, instant, resource } from './schema-parts.js';

export const TEST_MODE_OPERATIONS: readonly Operation[] = [
  {
    id: 'getTestClock',
    method: 'get',
    path: '/api/v1/test/clock',
    summary: 'What time it is for what expires in test mode, and who goes by it already.',
    scope: 'test:write',
    answer: 'TestClock',
    status: 200,
    computed: true,
    problems: ['invalid_parameter', 'test_mode_only'],
  },
  {
    id: 'advanceTestClock',
    method: 'post',
    path: '/api/v1/test/clock',
    summary:
      'Go ahead in time, by so many seconds or until an instant: what has expired by then expires within seconds.',
    scope: 'test:write',
    own: true,
    body: 'TestClockRequest',
    answer: 'TestClock',
    status: 200,
    problems: [...CHANGE_PROBLEMS, 'key_in_use', 'test_mode_only', 'test_clock_backwards', 'test_clock_too_far'],
  },
  {
    id: 'resetTestMode',
    method: 'post',
    path: '/api/v1/test/reset',
    summary: 'Begin anew in test mode: no accounts, no payments, no keys used, and the clock as it is.',
    scope: 'test:write',
    own: true,
    body: 'TestResetRequest',
    answer: 'TestReset',
    status: 200,
    problems: [...OWN_PROBLEMS, 'test_mode_only', 'invalid_request', 'invalid_json'],
  },
];

const flag = { type: 'boolean' };

export const TEST_MODE_SCHEMAS: Readonly<Record<string, object>> = {
  TestClockRequest: { ...CLOCK_REQUEST_SCHEMA, description: 'One of the two.', minProperties: 1, maxProperties: 1 },
  TestResetRequest: RESET_REQUEST_SCHEMA,
  TestClock: resource({
    object: { const: 'test_clock' },
    livemode: { const: false },
    now: instant,
    ahead_seconds: { ...count, description: 'How far it is ahead of the time that it is.' },
    version: { ...count, description: '+1 per journey; 0 where there was none.' },
    heard: {
      ...resource({ payments: flag, ledger: flag }),
      description: 'Who goes by it already: within a second both do.',
    },
  }),
  TestReset: resource({ object: { const: 'test_reset' }, livemode: { const: false }, reset_at: instant }),
};
