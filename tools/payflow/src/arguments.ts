import { SERVICES, SUBSCRIPTIONS, type Group, type Service } from '@payflow/contracts';
import { MAINTENANCE_KINDS, parseWindow, type MaintenanceKind, type Window } from '@payflow/database';
import { InvalidArgumentError } from 'commander';

const WORDS_MAX = 255;

/** The consumer group of that name; throws with the list of them. */
export function groupOf(name: string): Group {
  if (!Object.hasOwn(SUBSCRIPTIONS, name)) {
    throw new Error(`no such group; there are ${Object.keys(SUBSCRIPTIONS).join(', ')}`);
  }
  return name as Group;
}

export function parseService(name: string): Service {
  if (!(SERVICES as readonly string[]).includes(name)) throw new InvalidArgumentError(`one of ${SERVICES.join(', ')}`);
  return name as Service;
}

export function parseHours(text: string): number {
  if (!/^\d{1,5}(\.\d{1,3})?$/.test(text)) throw new InvalidArgumentError('a number of hours, such as 24');
  return Number(text);
}

export function parseSeconds(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('a whole number of seconds, 9999 at most');
  return Number(text);
}

export function parseTimes(text: string): Window {
  const window = parseWindow(text);
  if (!window) throw new InvalidArgumentError('two times of the day, such as 01:00-05:00');
  return window;
}

export function parseKinds(text: string): MaintenanceKind[] {
  const kinds = text.split(',');
  if (!kinds.every((kind): kind is MaintenanceKind => (MAINTENANCE_KINDS as readonly string[]).includes(kind)))
    throw new InvalidArgumentError(`some of ${MAINTENANCE_KINDS.join(',')}`);
  return kinds;
}

export function parseOffset(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('a whole number of zero or more');
  return Number(text);
}

/** Ids of jobs, as `payflow jobs list` prints them. */
export function parseJobs(text: string): string[] {
  const ids = text.split(',');
  if (!ids.every((id) => /^\d{1,18}$/.test(id))) throw new InvalidArgumentError('ids of jobs, such as 17 or 17,18');
  return ids;
}

/** Who decides, or why: as much of it as is kept. The server counts characters, not halves of them. */
export function parseWords(text: string): string {
  const { length } = [...text];
  if (length < 1 || length > WORDS_MAX)
    throw new InvalidArgumentError(`1 to ${WORDS_MAX} characters; it has ${length}`);
  return text;
}

export const parsePartition = parseOffset;
export const parseLetter = parseOffset;

export function parsePartitions(text: string): number[] {
  return [...new Set(text.split(',').map(parsePartition))];
}

/** RFC 3339: without its zone, an instant would be another one on each machine. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

export function parseInstant(text: string): Date {
  const instant = new Date(INSTANT.test(text) && isDay(text.slice(0, 10)) ? text : NaN);
  if (Number.isNaN(instant.getTime())) throw new InvalidArgumentError('an instant such as 2026-11-21T08:00:00Z');
  return instant;
}

/** The 30th of February is read as the 2nd of March. */
function isDay(day: string): boolean {
  const midnight = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}
