import { SUBSCRIPTIONS, TOPICS, type Group, type Service } from '@payflow/contracts';
import type { ReaderLag } from './lags.js';
import type { Picture } from './picture.js';

/** Younger than this is on its way in any installation that is well. */
const AGE_S_MAX = 5;
/** What was told longer ago says nothing of now. Outboxes are told of every ten seconds or so, lags every other second. */
const OUTBOX_TOLD_S_MAX = 30;
const LAG_TOLD_S_MAX = 10;
const MS_PER_S = 1_000;

/**
 * Why a reader may still come to what was sent to it a while ago; undefined where all of that has come. What is missing meanwhile is not
 * lost, and nobody can tell it from what is.
 */
export type HeldUp = (group: Group) => string | undefined;

/** The ways of all readers as the picture shows them: from the outboxes of those who send to them, over the log, to their places. */
export function heldUpIn(picture: Picture, lags: readonly ReaderLag[], now_ms: number): HeldUp {
  return (group) =>
    TOPICS[SUBSCRIPTIONS[group].topic].publishers
      .map((service) => unpublished(service, picture, now_ms))
      .concat(lags.filter((lag) => lag.group === group).map(unread))
      .find((reason) => reason !== undefined);
}

function unpublished(service: Service, picture: Picture, now_ms: number): string | undefined {
  const age = picture.service(service).outboxAge_s;
  if (!age || now_ms - age.at_ms > OUTBOX_TOLD_S_MAX * MS_PER_S)
    return `${service} has not told of its unpublished messages`;
  return age.value > AGE_S_MAX ? `${service} has messages that are not published` : undefined;
}

function unread({ group, partition, lag_seconds, stopped_reason, age_seconds }: ReaderLag): string | undefined {
  const name = `${group}/${partition}`;
  if (stopped_reason !== null) return `${name} stands still`;
  if (lag_seconds === null || age_seconds === null || age_seconds > LAG_TOLD_S_MAX)
    return `the lag of ${name} is not known`;
  return lag_seconds > AGE_S_MAX ? `${name} is behind` : undefined;
}
