import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** @typedef {{ passed: number, failed: number }} Counts */

/**
 * The sum over all reports in vitest's JSON form in a folder. A file of tests that could not be loaded is one failure.
 * @param {string} dir
 * @returns {Counts}
 */
export function countResults(dir) {
  const files = existsSync(dir) ? readdirSync(dir).filter((file) => file.endsWith('.json')) : [];
  return files.map((file) => countsIn(join(dir, file))).reduce(add, { passed: 0, failed: 0 });
}

/** @param {string} file @returns {Counts} */
function countsIn(file) {
  const report =
    /** @type {{ numPassedTests?: number, numFailedTests?: number, testResults?: { status: string, assertionResults: unknown[] }[] }} */ (
      JSON.parse(readFileSync(file, 'utf8'))
    );
  const broken = (report.testResults ?? []).filter(
    (suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
  );
  return { passed: report.numPassedTests ?? 0, failed: (report.numFailedTests ?? 0) + broken.length };
}

/** @param {Counts} left @param {Counts} right @returns {Counts} */
export function add(left, right) {
  return { passed: left.passed + right.passed, failed: left.failed + right.failed };
}
