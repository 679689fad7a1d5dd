import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** Of what a failed test says, so that a page of a difference does not push out the others. */
const LINES_MAX = 25;

/**
 * `failures` names each, and says what it said: the last lines of a run tell what is to be mended, wherever the rest of them went.
 * @typedef {{ passed: number, failed: number, failures: readonly string[] }} Counts
 */

/**
 * The sum over all reports in vitest's JSON form in a folder. A file of tests that could not be loaded is one failure.
 * @param {string} dir
 * @returns {Counts}
 */
export function countResults(dir) {
  const files = existsSync(dir) ? readdirSync(dir).filter((file) => file.endsWith('.json')) : [];
  return files.map((file) => countsIn(join(dir, file))).reduce(add, { passed: 0, failed: 0, failures: [] });
}

/** @param {string} file @returns {Counts} */
function countsIn(file) {
  const report =
    /** @type {{ numPassedTests?: number, numFailedTests?: number, testResults?: { name?: string, status: string, assertionResults: { status?: string, fullName?: string, failureMessages?: string[] }[] }[] }} */ (
      JSON.parse(readFileSync(file, 'utf8'))
    );
  const suites = (report.testResults ?? []).filter((suite) => suite.status === 'failed');
  const broken = suites.filter((suite) => suite.assertionResults.length === 0);
  const failures = suites.flatMap(({ name = 'a file', assertionResults }) =>
    assertionResults.length === 0
      ? [`${name} could not be loaded`]
      : assertionResults
          .filter(({ status }) => status === 'failed')
          .map(({ fullName, failureMessages = [] }) => [`${name} > ${fullName}`, ...said(failureMessages)].join('\n')),
  );
  return { passed: report.numPassedTests ?? 0, failed: (report.numFailedTests ?? 0) + broken.length, failures };
}

/** @param {readonly string[]} messages @returns {string[]} without colours, indented, and cut */
function said(messages) {
  const lines = messages.flatMap((message) => stripVTControlCharacters(message).split('\n'));
  const cut = lines.length > LINES_MAX ? [...lines.slice(0, LINES_MAX), '…'] : lines;
  return cut.map((line) => `    ${line}`);
}

/** @param {Counts} left @param {Counts} right @returns {Counts} */
export function add(left, right) {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    failures: [...left.failures, ...right.failures],
  };
}
