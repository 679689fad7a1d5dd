import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { SUBSCRIPTIONS, type AnyMessage, type Group, type Refusable } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { isObservable, lastValueFrom } from 'rxjs';
import type { Messaging } from '../messaging.js';
import type { Handled } from '../runner/handler.js';
import { begunPattern, discardPattern, knownPattern, refusePattern } from './consumes.js';

/** Nest's transport over the runner: each `@Consumes` method becomes the handler of its consumer group. */
export class RunnerServer extends Server implements CustomTransportStrategy {
  /** `subscribed` is given each subscription, which ends when it has joined; what it returns is waited for. */
  constructor(
    private readonly messaging: Messaging,
    private readonly subscribed: (group: Group, joined: Promise<void>) => Promise<void> = () => Promise.resolve(),
  ) {
    super();
  }

  /**
   * Subscribes all groups. Does not wait for the broker: readiness tells when they run. A subscription that cannot be made fails the
   * start, by the error that Nest is called back with: a service that does not read must not seem to run.
   */
  listen(callback: (error?: unknown) => void): void {
    void this.subscribeAll().then(() => callback(), callback);
  }

  private async subscribeAll(): Promise<void> {
    for (const [pattern, handler] of this.messageHandlers) {
      if (!isGroup(pattern)) continue;
      const discard = this.messageHandlers.get(discardPattern(pattern));
      const refuse = this.messageHandlers.get(refusePattern(pattern));
      const known = this.messageHandlers.get(knownPattern(pattern));
      const begun = this.messageHandlers.get(begunPattern(pattern));
      const joined = this.messaging.subscribe(pattern, {
        handle: callNest<Handled>(handler),
        discard: discard && callNest<Handled>(discard),
        refuse: refuse && callNest<Handled, Refusable>(refuse),
        known: known && callNest<readonly string[]>(known),
        begun: begun && callNest<readonly AnyMessage[]>(begun),
      });
      await this.subscribed(pattern, joined);
    }
  }

  async close(): Promise<void> {
    await this.messaging.close();
  }

  on(): never {
    throw new Error('the runner has no events to listen to');
  }

  unwrap<T>(): T {
    return this.messaging as T;
  }
}

function callNest<T, M = AnyMessage>(handler: MessageHandler): (messages: readonly M[], tx: Transaction) => Promise<T> {
  return async (messages, tx) => {
    const result: unknown = await handler(messages, tx);
    return (isObservable(result) ? await lastValueFrom(result) : result) as T;
  };
}

function isGroup(pattern: string): pattern is Group {
  return Object.hasOwn(SUBSCRIPTIONS, pattern);
}
