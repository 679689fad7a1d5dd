import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const rotateAtBytes = 20 * 1024 * 1024;
const tailBytes = 16 * 1024;

/**
 * Opens a log for appending; one that has grown large is put aside as `<file>.1` first.
 * @param {string} file @returns {number} a file descriptor
 */
export function openLog(file) {
  mkdirSync(dirname(file), { recursive: true });
  if (sizeOf(file) > rotateAtBytes) renameSync(file, `${file}.1`);
  return openSync(file, 'a');
}

/** @param {string} file @returns {number} */
export function sizeOf(file) {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * The last lines of a log that say something, oldest first.
 * @param {string} file @param {number} [lines] @param {number} [from]  ignore what stands before this byte
 * @returns {string[]}
 */
export function lastLines(file, lines = 8, from = 0) {
  try {
    const descriptor = openSync(file, 'r');
    const size = fstatSync(descriptor).size;
    const start = Math.max(from, size - tailBytes);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    readSync(descriptor, buffer, 0, buffer.length, start);
    closeSync(descriptor);
    const text = buffer
      .toString('utf8')
      .split('\n')
      .map((line) => line.trimEnd());
    return text.filter((line) => line !== '').slice(-lines);
  } catch {
    return [];
  }
}

const telling = /error|fatal|exception|could not|cannot|failed|denied|refused|in use|no space|not found/i;
const looksBack = 30;
const longestLine = 300;

/**
 * Why a process ended, in one line: the last of its own words that speak of a fault, or else just the last.
 * @param {string} file @param {number} from  where its own words begin
 * @returns {string}
 */
export function lastWords(file, from) {
  const lines = lastLines(file, looksBack, from).filter((line) => !/^\s+at /.test(line));
  const faults = lines.filter((line) => telling.test(line));
  return (faults.length > 0 ? faults : lines)
    .slice(-3)
    .map((line) => line.slice(0, longestLine))
    .join(' | ');
}
