import { stripVTControlCharacters } from 'node:util';

import { PartFailure, messageOf } from './local-stack.mjs';
import { bold, dim, green, red, seconds, sinceLaunch, yellow } from './screen.mjs';

/**
 * One line of the display.
 * @typedef {object} Row
 * @property {(message: string) => void} working
 * @property {(message: string) => void} done
 * @property {(message: string) => void} skipped
 * @property {(message: string) => void} failed
 */

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 120;
const nameWidth = 12;

/**
 * Shows parallel work: lines that change in place on a terminal, one line per change elsewhere.
 * @param {NodeJS.WriteStream} [out]
 */
export function createProgress(out = process.stdout) {
  return out.isTTY ? new LiveProgress(out) : new PlainProgress(out);
}

/** @typedef {LiveProgress | PlainProgress} Progress */

class PlainProgress {
  /** @param {NodeJS.WritableStream} out */
  constructor(out) {
    this.out = out;
  }

  /** @param {string} name @returns {Row} */
  row(name) {
    let last = '';
    const began = sinceLaunch();
    const print = (/** @type {string} */ mark, /** @type {string} */ message) => {
      if (message === last) return;
      last = message;
      this.out.write(`${seconds(sinceLaunch()).padStart(8)}  ${mark} ${name.padEnd(nameWidth)} ${message}\n`);
    };
    return {
      working: (message) => print('…', message),
      done: (message) => print('✓', `${message} (${seconds(sinceLaunch() - began)})`),
      skipped: (message) => print('–', message),
      failed: (message) => print('✗', message),
    };
  }

  /** @param {string} line */
  say(line) {
    this.out.write(`${line}\n`);
  }

  end() {}
}

class LiveProgress {
  /** @param {NodeJS.WriteStream} out */
  constructor(out) {
    this.out = out;
    /** @type {{ name: string, mark: () => string, message: string, took: string }[]} */
    this.rows = [];
    this.drawn = 0;
    this.frame = 0;
    this.timer = setInterval(() => this.draw(), frameMs);
    this.timer.unref();
  }

  /** @param {string} name @returns {Row} */
  row(name) {
    const began = sinceLaunch();
    const spin = () => yellow(frames[this.frame % frames.length] ?? '');
    const line = { name, mark: spin, message: '', took: '' };
    this.rows.push(line);
    const end = (/** @type {string} */ mark, /** @type {string} */ message) => {
      Object.assign(line, { mark: () => mark, message, took: seconds(sinceLaunch() - began) });
      this.draw();
    };
    return {
      working: (message) => void (line.message = message),
      done: (message) => end(green('✓'), message),
      skipped: (message) => end(dim('–'), message),
      failed: (message) => end(red('✗'), message),
    };
  }

  /** @param {string} line  printed above the rows, for good */
  say(line) {
    this.erase();
    this.out.write(`${line}\n`);
    this.draw();
  }

  end() {
    clearInterval(this.timer);
    this.draw();
    this.rows = [];
    this.drawn = 0;
  }

  draw() {
    this.frame += 1;
    const lines = this.rows.map(
      (row) => `  ${row.mark()} ${bold(row.name.padEnd(nameWidth))} ${row.message} ${dim(row.took)}`,
    );
    this.erase();
    this.out.write(lines.map((line) => `${fitted(line, this.out.columns || 80)}\n`).join(''));
    this.drawn = lines.length;
  }

  erase() {
    if (this.drawn > 0) this.out.write(`\u001b[${this.drawn}A\u001b[0J`);
    this.drawn = 0;
  }
}

/** A line that wraps would make the next redraw start one line too low. @param {string} line @param {number} width */
function fitted(line, width) {
  const plain = stripVTControlCharacters(line);
  return plain.length < width ? line : `${plain.slice(0, width - 2)}…`;
}

/**
 * Runs one part's work with its row, and leaves the failure on it.
 * @template T
 * @param {Row} row @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withRow(row, work) {
  try {
    return await work();
  } catch (error) {
    row.failed(error instanceof PartFailure ? error.reason : messageOf(error));
    throw error;
  }
}
