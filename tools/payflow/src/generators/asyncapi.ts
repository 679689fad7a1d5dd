import {
  MESSAGES,
  SUBSCRIPTIONS,
  TOPICS,
  type MessageType,
  type SubscriptionSpec,
  type TopicSpec,
} from '@payflow/contracts';

/** The AsyncAPI 3.0 document of every topic, message and operation, from the topology. */
export function asyncApi(): object {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'PayFlow events and commands',
      version: '1.0.0',
      description:
        'CloudEvents 1.0 in Kafka binary mode. Delivery is at least once; compare `ce_aggregateversion`, and recognise repeats by `ce_id`.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(
      Object.entries<TopicSpec>(TOPICS).map(([topic, spec]) => [topic, channel(topic, spec)]),
    ),
    operations: { ...sends(), ...receives() },
    components: { messages: Object.fromEntries(types().map((type) => [type, message(type)])) },
  };
}

function types(): MessageType[] {
  return Object.keys(MESSAGES) as MessageType[];
}

function channel(topic: string, spec: TopicSpec): object {
  const own = types().filter((type) => MESSAGES[type].topic === topic);
  return {
    address: topic,
    description: `Owned by ${spec.owner}; the record key is the ${spec.key}.`,
    messages: Object.fromEntries(own.map((type) => [type, { $ref: `#/components/messages/${type}` }])),
    bindings: {
      kafka: { topic, topicConfiguration: { 'cleanup.policy': ['delete'], 'retention.ms': spec.retention_ms } },
    },
  };
}

function sends(): Record<string, object> {
  return Object.fromEntries(
    Object.entries<TopicSpec>(TOPICS).flatMap(([topic, spec]) =>
      spec.publishers.map((service) => [
        `${service}.send.${topic}`,
        { action: 'send', channel: { $ref: `#/channels/${topic}` }, tags: [{ name: service }] },
      ]),
    ),
  );
}

function receives(): Record<string, object> {
  return Object.fromEntries(
    Object.entries<SubscriptionSpec>(SUBSCRIPTIONS).map(([group, { topic, service, types: handled }]) => [
      `${group}.receive`,
      {
        action: 'receive',
        channel: { $ref: `#/channels/${topic}` },
        tags: [{ name: service }],
        messages: handled.map((type) => ({ $ref: `#/channels/${topic}/messages/${type}` })),
        bindings: { kafka: { groupId: { type: 'string', const: group } } },
      },
    ]),
  );
}

function message(type: MessageType): object {
  const { summary, schema } = MESSAGES[type];
  return { name: type, summary, contentType: 'application/json', headers: HEADERS, payload: schema };
}

const text = { type: 'string' };
const HEADERS = {
  type: 'object',
  required: [
    'ce_specversion',
    'ce_id',
    'ce_source',
    'ce_type',
    'ce_subject',
    'ce_time',
    'ce_tenant',
    'ce_aggregateversion',
    'ce_livemode',
  ],
  properties: {
    ce_specversion: { const: '1.0' },
    ce_id: text,
    ce_source: text,
    ce_type: text,
    ce_subject: text,
    ce_time: { type: 'string', format: 'date-time' },
    ce_dataschema: text,
    ce_tenant: text,
    ce_aggregateversion: { type: 'string', pattern: '^[0-9]+$' },
    ce_causationid: text,
    ce_correlationid: text,
    ce_actor: text,
    ce_livemode: { enum: ['true', 'false'] },
    traceparent: text,
    tracestate: text,
  },
};
