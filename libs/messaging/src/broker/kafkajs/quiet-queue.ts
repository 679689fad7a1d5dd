import Queues from 'kafkajs/src/network/requestQueue/index.js';

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

const { prototype: queues } = Queues as { readonly prototype: RequestQueue };
const { scheduleCheckPendingRequests: scheduleLook } = queues;

/**
 * kafkajs looks whether a request waits to be sent every millisecond, for each connection and for ever, where none waits and nothing
 * is throttled: the time that it waits until is long past. Twenty connections took 3 % of a core with it. Whoever has a request to send
 * looks by himself; only what waits has to be looked at again.
 */
queues.scheduleCheckPendingRequests = function (this: RequestQueue) {
  if (this.pending.length > 0) scheduleLook.call(this);
};
