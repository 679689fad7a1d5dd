import { toUuid, type MessageData } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { Problem } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { LimitWrite, RiskRuleWrite } from '../../acceptance/acceptable.js';
import type { Answer, Writes } from '../../acceptance/writes.js';
import type { Owner, ResourceKey } from '../../database/keys.js';
import { foundOrRequested } from '../../database/requested.repository.js';
import { sendAnswer, sendVersioned } from '../answers/answer.js';
import { callerOf } from '../edge/authentication.js';
import { ifVersionOf } from '../edge/headers.js';
import { refuseParameters } from '../lists/list-query.js';
import { submitUnlessKnown } from '../writes/write-request.js';
import { deletionWrite, madeBy, type Deletion } from './definition.request.js';

type Defining = LimitWrite | RiskRuleWrite;

interface Shown {
  readonly version: number;
}

/** What is defined: how it is called, asked for and shown. */
export interface Definable<T extends Defining['type'], V> {
  readonly kind: 'limit' | 'riskRule';
  readonly path: string;
  readonly defined: T;
  readonly deleted: Deletion['type'];
  readonly views: { find(db: Database, key: ResourceKey): Promise<V | undefined> };
  readonly shown: (found: V) => Shown;
  readonly requested: (asked: MessageData[T]) => Shown;
}

/** What limits and risk rules have in common: each is defined under an id, goes on by versions, and is deleted. */
export class Definitions<T extends Defining['type'], V> {
  constructor(
    private readonly writes: Writes,
    private readonly db: Database,
    private readonly of: Definable<T, V>,
  ) {}

  /** The id of what a request has defined. A copy joins the first: what that one makes has its command's UUID. */
  idOf({ command, commandId }: Pick<Defining, 'command' | 'commandId'>, answer: Answer): string {
    const { kind } = this.of;
    const isOwn = answer.kind !== 'accepted' || answer.resourceId === commandId;
    return isOwn || command.id !== madeBy(kind, commandId as string) ? command.id : madeBy(kind, answer.resourceId);
  }

  async one(id: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    this.#checkId(id);
    const body = await this.#known(id, callerOf(request));
    sendVersioned(request, reply, { body, version: body.version });
  }

  /** A copy of a request that has deleted it is answered as that was, though it is there no more. */
  async delete(id: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    this.#checkId(id);
    const asked = await this.#askToDelete(id, request, reply);
    // Gone while a copy waited for its end: that stands beside it, and is the answer.
    const isGone = asked.answer.kind === 'accepted' && !asked.stands;
    const { answer, stands } = isGone ? await this.#askToDelete(id, request, reply) : asked;
    if (answer.kind === 'accepted' && !stands) throw new Problem('not_found');
    sendAnswer(reply, answer, () => ({ location: `${this.of.path}/${id}`, body: JSON.stringify(stands) }));
  }

  /** What is answered, and how it stood when it was asked for; to a copy, which is not read again, how it stands. */
  async #askToDelete(id: string, request: FastifyRequest, reply: FastifyReply) {
    const if_version = ifVersionOf(request.headers['if-match']);
    let seen: Shown | undefined;
    const { answer } = await submitUnlessKnown(
      ...([this.writes, request, reply] as const),
      async (json, caller, now) => {
        seen = await this.#known(id, caller);
        return deletionWrite({ type: this.of.deleted, id, if_version }, json, caller, now);
      },
      () => undefined,
    );
    if (answer.kind === 'accepted') seen ??= await this.#find(id, callerOf(request));
    return { answer, stands: seen };
  }

  #checkId(id: string): void {
    if (!toUuid(this.of.kind, id)) throw new Problem('invalid_id');
  }

  /** As {@link #find}. Throws 404 where it is neither. */
  async #known(id: string, owner: Owner): Promise<Shown> {
    const known = await this.#find(id, owner);
    if (!known) throw new Problem('not_found');
    return known;
  }

  /** In force, or asked for. */
  async #find(id: string, { tenant, livemode }: Owner): Promise<Shown | undefined> {
    const { defined: type, views, shown, requested } = this.of;
    const owner = { tenant, livemode };
    const known = await foundOrRequested(this.db, { type, owner, id }, () => views.find(this.db, { ...owner, id }));
    if (!known) return undefined;
    return 'found' in known ? shown(known.found) : requested(known.requested);
  }
}
