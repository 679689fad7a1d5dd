import { hash } from 'node:crypto';

/**
 * Merkle trees as RFC 9162 (Certificate Transparency 2.0) defines them: leaves and nodes are hashed under different prefixes,
 * so that neither can be taken for the other. Hashes are SHA-256, in hexadecimal.
 */
export type Hash = string;

const LEAF = '00';
const NODE = '01';
const HASH = /^[0-9a-f]{64}$/;

export function isHash(text: unknown): text is Hash {
  return typeof text === 'string' && HASH.test(text);
}

function sha256(hex: string): Hash {
  return hash('sha256', Buffer.from(hex, 'hex'), 'hex');
}

/** The leaf hash of an entry, itself in hexadecimal. */
export function leafHash(entry: string): Hash {
  return sha256(LEAF + entry);
}

function nodeHash(left: Hash, right: Hash): Hash {
  return sha256(NODE + left + right);
}

/** The root over entries; that of none is the hash of nothing. RFC 9162, 2.1.1. */
export function rootOf(entries: readonly string[]): Hash {
  return entries.length === 0 ? sha256('') : rootOfLeaves(entries.map(leafHash));
}

function rootOfLeaves(leaves: readonly Hash[]): Hash {
  let level = leaves;
  // Level by level, an odd one out moving up as it is, gives the same tree as splitting at the largest power of two.
  while (level.length > 1) level = parentsOf(level);
  return level[0] as Hash;
}

function parentsOf(level: readonly Hash[]): Hash[] {
  const parents: Hash[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const [left, right] = [level[at] as Hash, level[at + 1]];
    parents.push(right === undefined ? left : nodeHash(left, right));
  }
  return parents;
}

/** The siblings on the way from an entry up to the root. RFC 9162, 2.1.3.1. */
export function inclusionPath(entries: readonly string[], index: number): Hash[] {
  if (index < 0 || index >= entries.length) throw new RangeError('there is no such entry');
  const path: Hash[] = [];
  let level: readonly Hash[] = entries.map(leafHash);
  for (let at = index; level.length > 1; at = Math.floor(at / 2), level = parentsOf(level)) {
    const sibling = level[at % 2 === 0 ? at + 1 : at - 1];
    if (sibling !== undefined) path.push(sibling);
  }
  return path;
}

/** Where an entry lies in a tree of so many. */
export interface Place {
  readonly index: number;
  readonly size: number;
}

/**
 * Whether the path leads from the entry to the root. RFC 9162, 2.1.3.2. What is no hash leads nowhere: bytes are read up to the
 * first sign that is not hexadecimal, so that a sibling that holds both halves of a node, and such a sign, would hide the entry.
 */
export function isIncluded(entry: string, { index, size }: Place, path: readonly Hash[], root: Hash): boolean {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  if (!path.every(isHash)) return false;
  let [fn, sn] = [index, size - 1];
  let result = leafHash(entry);
  for (const sibling of path) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      result = nodeHash(sibling, result);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
    } else {
      result = nodeHash(result, sibling);
    }
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 && result === root;
}

/** The roots of the full subtrees a log of some size consists of, largest first: all that appending to it needs. */
export interface Frontier {
  readonly size: number;
  readonly roots: readonly Hash[];
}

export const EMPTY_LOG: Frontier = { size: 0, roots: [] };

/** The log with one entry more. */
export function appended({ size, roots }: Frontier, entry: string): Frontier {
  const grown = [...roots, leafHash(entry)];
  // As many subtrees of equal size meet as the old size ends in one bits.
  for (let bits = size; bits % 2 === 1; bits = Math.floor(bits / 2)) {
    const right = grown.pop() as Hash;
    grown.push(nodeHash(grown.pop() as Hash, right));
  }
  return { size: size + 1, roots: grown };
}

/** The root of the whole log. */
export function logRoot({ roots }: Frontier): Hash {
  const last = roots.at(-1);
  return last === undefined ? rootOf([]) : roots.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
}

/** Entries `begin` to `end`, the end not included, that are one node's: its subtree's, or what a log that still grows has of it. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

/** The siblings on the way from an entry up to the root, as {@link inclusionPath} gives their hashes: one at each height at most. */
export function pathSpans({ index, size }: Place): Span[] {
  if (index < 0 || index >= size) throw new RangeError('there is no such entry');
  const spans: Span[] = [];
  for (let at = index, width = 1; width < size; at = Math.floor(at / 2), width *= 2) {
    const begin = (at % 2 === 0 ? at + 1 : at - 1) * width;
    if (begin < size) spans.push({ begin, end: Math.min(begin + width, size) });
  }
  return spans;
}

/**
 * The hash of a span, from its last entry and the frontier of the log just before that was appended. What a node's span begins
 * with is a multiple of its width, so that frontier ends in subtrees that together are the rest of the span.
 */
export function rootOfSpan({ begin, end }: Span, before: Frontier, entry: string): Hash {
  const size = end - 1 - begin;
  const roots = before.roots.slice(before.roots.length - onesIn(size));
  return logRoot(appended({ size, roots }, entry));
}

/** One bits: as many full subtrees make up a log of that size. */
function onesIn(size: number): number {
  let ones = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
}
