import { SUBSCRIPTIONS, type Group } from '@payflow/contracts';
import { InvalidArgumentError } from 'commander';

/** The consumer group of that name; throws with the list of them. */
export function groupOf(name: string): Group {
  if (!Object.hasOwn(SUBSCRIPTIONS, name)) {
    throw new Error(`no such group; there are ${Object.keys(SUBSCRIPTIONS).join(', ')}`);
  }
  return name as Group;
}

export function parseOffset(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('a whole number of zero or more');
  return Number(text);
}

export const parsePartition = parseOffset;

export function parsePartitions(text: string): number[] {
  return text.split(',').map(parsePartition);
}

export function parseInstant(text: string): Date {
  const instant = new Date(text);
  if (Number.isNaN(instant.getTime())) throw new InvalidArgumentError('an instant such as 2026-11-21T08:00:00Z');
  return instant;
}
