import type { AnyMessage, Refusable } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import type { AnyOutgoing } from '../outgoing.js';

/** What a handler hands back: messages to send, and what it met before. It holds no producer and cannot commit. */
export interface Handled {
  readonly messages: readonly AnyOutgoing[];
  /** Ids of messages whose effect was there already (only where the topology's mark is `effect`). */
  readonly repeated?: readonly string[];
  /** Runs once the transaction has committed: for wake-ups and caches, never for anything that must happen. */
  readonly afterCommit?: () => void;
}

/** Loads, decides, saves and returns. Called with the messages of one partition, in order, inside one transaction. */
export type Handler = (messages: readonly AnyMessage[], tx: Transaction) => Promise<Handled>;

/** Refuses commands that cannot be decoded. `repeated` names those that have, or will get, an answer already. */
export type Refuser = (commands: readonly Refusable[], tx: Transaction) => Promise<Handled>;

export interface SubscriptionHandlers {
  readonly handle: Handler;
  /**
   * The reader's refusal of messages an operator discarded, and of commands whose number another has: written where a later duplicate
   * would look. `repeated` names those that are known already.
   */
  readonly discard?: Handler | undefined;
  /** The same for commands of which only as much can be read as their refusal repeats. */
  readonly refuse?: Refuser | undefined;
  /** Ids of those of the messages whose effect is there already: they have nothing to wait for behind a parked subject. */
  readonly known?: ((messages: readonly AnyMessage[], tx: Transaction) => Promise<readonly string[]>) | undefined;
  /** Sequenced commands only: which of these later commands' subjects have had their first one applied. */
  readonly begun?: ((messages: readonly AnyMessage[], tx: Transaction) => Promise<readonly AnyMessage[]>) | undefined;
}
