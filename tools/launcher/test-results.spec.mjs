import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { countResults } from './test-results.mjs';

describe('countResults', () => {
  let dir = '';
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'payflow-results-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  const write = (name, report) => writeFileSync(join(dir, name), JSON.stringify(report));

  it('adds up all reports', () => {
    write('a.json', { numPassedTests: 3, numFailedTests: 1, testResults: [] });
    write('b.json', { numPassedTests: 4, numFailedTests: 0, testResults: [] });
    expect(countResults(dir)).toEqual({ passed: 7, failed: 1, failures: [] });
  });

  it('counts a file whose tests could not be loaded as a failure', () => {
    write('a.json', {
      numPassedTests: 3,
      numFailedTests: 0,
      testResults: [{ status: 'failed', assertionResults: [] }],
    });
    expect(countResults(dir)).toMatchObject({ passed: 3, failed: 1 });
  });

  it('names what failed and what it said, and the file that could not be loaded', () => {
    write('a.json', {
      numPassedTests: 1,
      numFailedTests: 1,
      testResults: [
        {
          name: 'one.spec.ts',
          status: 'failed',
          assertionResults: [
            { status: 'passed', fullName: 'holds' },
            { status: 'failed', fullName: 'breaks', failureMessages: ['\u001b[31mexpected 1\u001b[39m\n    at here'] },
          ],
        },
        { name: 'two.spec.ts', status: 'failed', assertionResults: [] },
      ],
    });
    expect(countResults(dir).failures).toEqual([
      'one.spec.ts > breaks\n    expected 1\n        at here',
      'two.spec.ts could not be loaded',
    ]);
  });

  it('finds nothing where there is nothing', () => {
    expect(countResults(join(dir, 'absent'))).toEqual({ passed: 0, failed: 0, failures: [] });
  });
});
