import {
  MESSAGES,
  newId,
  partitionOf,
  type Message,
  type MessageData,
  type MessageSpec,
  type MessageType,
} from '@payflow/contracts';
import { writerErrors } from './validation.js';

/** A message that a handler returns, or an edge hands to the outbox. Key, topic, partition, ids and trace are filled in here. */
export interface Outgoing<T extends MessageType = MessageType> {
  readonly type: T;
  readonly subject: string;
  readonly data: MessageData[T];
  /** The data as JSON.stringify writes it, where the sender has it at hand. */
  readonly json?: string;
  /** The message that caused it: tenant, mode, correlation, actor and trace come from there. */
  readonly cause?: MessageContext;
  /** Given where the id is stored beside the message's cause, or where a message is sent again and must be known as the same one. */
  readonly id?: string;
  /** True on a message that was sent before under this id: it does not count as sent once more. */
  readonly resent?: boolean;
  /** For messages without a cause: the edge that starts the chain says who and for whom. */
  readonly origin?: Origin;
  /** 0 on commands. */
  readonly aggregateVersion?: number;
}

export interface Origin {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly actor: string;
  readonly correlationId?: string;
  readonly traceparent?: string;
}

/** Any of the outgoing types, discriminated by `type`. */
export type AnyOutgoing = { [T in MessageType]: Outgoing<T> }[MessageType];

/** A finished message with its place in the log and its value's exact bytes. */
export interface Envelope {
  /** A topic of the topology, or a reader's dead-letter topic. */
  readonly topic: string;
  readonly partition: number;
  readonly message: MessageContext;
  readonly value: string;
  /** Whether it counts in "sent = received": not when it was sent before, nor when it is a dead letter. */
  readonly counted: boolean;
}

/** A message without its data. The type is open because dead letters have one of their own. */
export type MessageContext = Omit<Message, 'data' | 'type'> & { readonly type: string };

/** An event carries full state in at most 64 KiB. */
const VALUE_BYTES_MAX = 65_536;

/** Fills in what the envelope needs. Throws on data that breaks its own closed schema: a bug of ours, found before COMMIT. */
export function finish(
  outgoing: AnyOutgoing,
  time: string,
  traceparent: string | undefined,
  partitions: number,
): Envelope {
  const spec = MESSAGES[outgoing.type] as MessageSpec<unknown>;
  const { valueBytes_max = VALUE_BYTES_MAX } = spec;
  const errors = writerErrors(outgoing.type, outgoing.data);
  if (errors) throw new TypeError(`${outgoing.type} breaks its schema: ${errors}`);
  const value = outgoing.json ?? JSON.stringify(outgoing.data);
  if (Buffer.byteLength(value) > valueBytes_max)
    throw new RangeError(`${outgoing.type} is larger than ${valueBytes_max} bytes`);
  const key = spec.key(outgoing.data);
  const id = outgoing.id ?? newId('event');
  return {
    topic: spec.topic,
    partition: partitionOf(key, partitions),
    value,
    counted: !outgoing.resent,
    message: {
      id,
      type: outgoing.type,
      subject: outgoing.subject,
      key,
      time,
      ...lineage(outgoing, id),
      traceparent,
      tracestate: outgoing.cause?.tracestate,
    },
  };
}

function lineage({ cause, origin, aggregateVersion = 0 }: AnyOutgoing, id: string) {
  const source = cause ?? origin;
  if (!source) throw new TypeError('a message needs a cause or an origin');
  return {
    tenant: source.tenant,
    livemode: source.livemode,
    actor: source.actor,
    aggregateVersion,
    causationId: cause?.id ?? id,
    correlationId: source.correlationId ?? id,
  };
}
