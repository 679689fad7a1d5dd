import type { AnyMessage } from '@payflow/contracts';
import { periodRefusedReply, periodReply } from '../acceptance/replies.js';
import { traceIdOf, writeAnsweredBy, type Answered, type Replies } from './answered.js';

export type PeriodEvent = AnyMessage<
  'payflow.period.closing.v1' | 'payflow.period.closed.v1' | 'payflow.period.rejected.v1'
>;

/** Answers those who asked for a month to be closed; the gateway keeps nothing of it. */
export function answerPeriods(events: readonly PeriodEvent[], answered: Answered): Replies {
  return events.flatMap((event): Replies => {
    const write = writeAnsweredBy(event, answered);
    if (!write) return [];
    const reply =
      event.type === 'payflow.period.rejected.v1'
        ? periodRefusedReply(event.data, write.requestId, traceIdOf(event) ?? undefined)
        : periodReply(event.data);
    return [[write, reply]];
  });
}
