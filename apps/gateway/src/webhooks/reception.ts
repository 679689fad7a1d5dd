import { newId } from '@payflow/contracts';
import { isConnectionLoss, type Database } from '@payflow/database';
import { Overloaded, type AnyOutgoing, type GroupCommit, type Messaging } from '@payflow/messaging';
import { unavailable } from '@payflow/service';
import { currentTraceparent } from '@payflow/telemetry';
import { requestGroups } from '../acceptance/request-groups.js';
import { noteWebhooks, type Noted, type WebhookToNote } from '../database/provider-webhook.repository.js';
import type { OwnedNotice } from './notice.js';

/** A notice as it came in, and the trace that it belongs to. */
interface Received extends WebhookToNote {
  readonly notice: OwnedNotice;
  readonly traceparent: string | undefined;
}

/** Why one could not be noted. */
interface Failed {
  readonly error: unknown;
}

/**
 * Makes a provider's notice durable, with the message that tells the payments service of it: both or neither, and once. A provider
 * tells of every payment, so those of the same moment share a transaction.
 */
export class WebhookReception {
  readonly #groups: GroupCommit<Received, Noted | Failed>;

  constructor(
    private readonly db: Database,
    private readonly messaging: Messaging,
  ) {
    this.#groups = requestGroups({
      commit: (group) => this.#commit(group),
      // Of two copies the second is to find the first.
      identities: ({ connector, webhook }) => [`${connector} ${webhook}`],
    });
  }

  /** Throws a 503 where the database is not there, or takes too long: the provider tells again. */
  async take(notice: OwnedNotice): Promise<Noted> {
    const { tenant, livemode, data } = notice;
    const payment = { tenant, livemode, id: data.id };
    const named = { connector: data.connector, webhook: data.notice, payment, eventId: newId('event') };
    const outcome = await this.#groups
      .submit({ ...named, notice, traceparent: currentTraceparent() })
      .catch((error: unknown) => {
        throw error instanceof Overloaded ? unavailable(error) : error;
      });
    if (typeof outcome === 'object') throw outcome.error;
    return outcome;
  }

  /** Where they cannot be noted together, each is by itself: only what is wrong fails. */
  async #commit(group: readonly Received[]): Promise<readonly (Noted | Failed)[]> {
    try {
      return await this.#note(group);
    } catch (error) {
      if (group.length === 1 || isConnectionLoss(error)) throw error;
      const outcomes: (Noted | Failed)[] = [];
      for (const each of group) {
        const outcome = this.#note([each]).then(([noted]) => noted as Noted);
        outcomes.push(await outcome.catch((error: unknown) => ({ error })));
      }
      return outcomes;
    }
  }

  async #note(group: readonly Received[]): Promise<readonly Noted[]> {
    const { noted, staged } = await this.db.transaction(async (tx) => {
      const noted = await noteWebhooks(tx, group);
      const parents = new Map<AnyOutgoing, string | undefined>(
        group.flatMap((each, at) => (noted[at] === 'new' ? [[messageOf(each), each.traceparent] as const] : [])),
      );
      const parentOf = (message: AnyOutgoing) => parents.get(message);
      const outgoing = [...parents.keys()];
      return { noted, staged: this.messaging.outbox.stageAtCommit(tx, { outgoing, finished: [], parentOf }) };
    });
    staged.publish();
    return noted;
  }
}

function messageOf({ notice: { tenant, livemode, data }, eventId: id, traceparent }: Received): AnyOutgoing {
  const origin = {
    ...{ tenant, livemode, actor: `connector/${data.connector}` },
    ...(traceparent ? { traceparent } : {}),
  };
  return { type: 'payflow.payment.notice.v1', subject: data.id, id, data, origin };
}
