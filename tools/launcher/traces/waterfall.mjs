import { serviceOf } from './jaeger-model.mjs';
import { timelineOf } from './timeline.mjs';

/** @typedef {import('./jaeger-model.mjs').Span} Span */
/** @typedef {import('./jaeger-model.mjs').Trace} Trace */

const durationWidth = 9;
// Before the service, the name and the bar.
const gapsWidth = 6;
const longestName = 44;
const fewestBarCells = 16;
const mostRows = 70;

/**
 * The spans as a tree, parents before children, each level by start time.
 * @param {Trace} trace
 * @returns {{ span: Span, depth: number }[]}
 */
export function inTreeOrder(trace) {
  const known = new Set(trace.spans.map((span) => span.spanID));
  /** @type {Map<string, Span[]>} */
  const children = new Map();
  for (const span of [...trace.spans].sort((left, right) => left.startTime - right.startTime)) {
    const parent = parentOf(span);
    // A span whose parent has not arrived (yet) stands at the top, rather than nowhere.
    const key = parent !== undefined && parent !== span.spanID && known.has(parent) ? parent : '';
    children.set(key, [...(children.get(key) ?? []), span]);
  }
  /** @type {{ span: Span, depth: number }[]} */
  const rows = [];
  const visit = (/** @type {string} */ parent, /** @type {number} */ depth) => {
    for (const span of children.get(parent) ?? []) {
      rows.push({ span, depth });
      visit(span.spanID, depth + 1);
    }
  };
  visit('', 0);
  return rows;
}

/** @param {Span} span */
function parentOf(span) {
  return span.references.find((reference) => reference.refType === 'CHILD_OF' && reference.traceID === span.traceID)
    ?.spanID;
}

/**
 * A trace as lines of text: service, name as a tree, bar, duration.
 * @param {Trace} trace
 * @param {{ width: number, colour?: (service: string, text: string) => string, alarm?: (text: string) => string }} options
 * @returns {string[]}
 */
export function drawWaterfall(trace, { width, colour = (_service, text) => text, alarm = (text) => text }) {
  const rows = inTreeOrder(trace);
  const timeline = timelineOf(trace.spans);
  const serviceWidth = Math.max(...rows.map(({ span }) => serviceOf(trace, span).length));
  const nameWidth = Math.min(
    longestName,
    Math.max(...rows.map(({ span, depth }) => span.operationName.length + depth * 2)),
  );
  const cells = Math.max(fewestBarCells, width - serviceWidth - nameWidth - durationWidth - gapsWidth);

  const lines = rows.slice(0, mostRows).map(({ span, depth }) => {
    const service = serviceOf(trace, span);
    const name = clip('  '.repeat(depth) + span.operationName, nameWidth).padEnd(nameWidth);
    const bar = colour(service, barOf(span, timeline, cells));
    const failed = span.tags.some((tag) => tag.key === 'error' && tag.value === true);
    return `  ${colour(service, service.padEnd(serviceWidth))}  ${failed ? alarm(name) : name}  ${bar}${duration(span.duration).padStart(durationWidth)}`;
  });
  return rows.length > mostRows ? [...lines, `  … and ${rows.length - mostRows} more spans`] : lines;
}

/** @param {Span} span @param {ReturnType<typeof timelineOf>} timeline @param {number} cells */
function barOf(span, { position, cuts }, cells) {
  const from = Math.min(cells - 1, Math.floor(position(span.startTime) * cells));
  const to = Math.max(from + 1, Math.round(position(span.startTime + span.duration) * cells));
  const marks = new Set(cuts.map((cut) => Math.floor(cut * cells)));
  return Array.from({ length: cells }, (_, cell) =>
    cell >= from && cell < to ? '━' : marks.has(cell) ? '┊' : ' ',
  ).join('');
}

/** @param {string} text @param {number} width */
function clip(text, width) {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** @param {number} micros @returns {string} */
export function duration(micros) {
  if (micros < 1_000) return `${micros} µs`;
  if (micros < 1_000_000) return `${(micros / 1_000).toFixed(1)} ms`;
  return `${(micros / 1_000_000).toFixed(2)} s`;
}

/** @param {Trace} trace @returns {number} µs from the first start to the last end */
export function spanOf(trace) {
  const start = Math.min(...trace.spans.map((span) => span.startTime));
  return Math.max(...trace.spans.map((span) => span.startTime + span.duration)) - start;
}
