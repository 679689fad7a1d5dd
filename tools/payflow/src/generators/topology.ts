import { readFileSync } from 'node:fs';
import {
  MESSAGES,
  SERVICES,
  SUBSCRIPTIONS,
  TOPICS,
  type MessageSpec,
  type Service,
  type SubscriptionSpec,
  type TopicSpec,
} from '@payflow/contracts';

const BEGIN = '<!-- topology: generated, do not edit -->';
const END = '<!-- /topology -->';

const subscriptions = Object.entries<SubscriptionSpec>(SUBSCRIPTIONS);
const topics = Object.entries<TopicSpec>(TOPICS);

/** Who sends what to whom, as a Mermaid flowchart: one arrow per publisher, reader and topic. */
function mermaid(): string {
  const arrows = topics.flatMap(([topic, { publishers }]) =>
    publishers.flatMap((publisher) => {
      const readers = new Set(
        subscriptions.filter(([, spec]) => spec.topic === topic).map(([, { service }]) => service),
      );
      return [...readers]
        .filter((reader) => reader !== publisher)
        .map((reader) => `  ${publisher} -- ${topic.replace(/\.v\d+$/, '')} --> ${reader}`);
    }),
  );
  return ['```mermaid', 'flowchart LR', '  client((client)) -- HTTP --> gateway', ...arrows, '```'].join('\n');
}

export function topologyDiagram(): string {
  const rows = subscriptions.map(
    ([group, { topic, service, order, mark }]) =>
      `| \`${group}\` | ${service} | \`${topic}\` | ${order === 'subject' ? 'per record key; a poison message parks its key' : 'none; a poison message is dead-lettered alone'} | ${mark} |`,
  );
  return [
    '# Topology',
    '',
    'Generated from `libs/contracts/src/topology.ts`: do not edit.',
    '',
    mermaid(),
    '',
    '| group | service | reads | order | durable mark |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** The event catalogue: every message type with its topic and meaning. */
export function messageCatalogue(): string {
  const rows = Object.entries<MessageSpec>(MESSAGES).map(
    ([type, { topic, summary }]) => `| \`${type}\` | \`${topic}\` | ${summary} |`,
  );
  return [
    '# Messages',
    '',
    'Generated from `libs/contracts`: do not edit. Schemas are in `asyncapi.json`.',
    '',
    '| type | topic | meaning |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** A README with the diagram between its markers. */
export function withDiagram(readme: string): string {
  return between(readme, mermaid());
}

/** The READMEs of the services, each with what it reads and writes. */
export function libraryTopologies(): { path: string; content: string }[] {
  return SERVICES.map((service) => {
    const path = `apps/${service}/README.md`;
    return { path, content: between(readFileSync(path, 'utf8'), readsAndWrites(service)) };
  });
}

function readsAndWrites(service: Service): string {
  const reads = subscriptions
    .filter(([, spec]) => spec.service === service)
    .map(([group, { topic }]) => `\`${topic}\` (group \`${group}\`)`);
  const writes = topics.filter(([, { publishers }]) => publishers.includes(service)).map(([topic]) => `\`${topic}\``);
  return [`**Reads** ${reads.join(', ') || 'nothing'}  `, `**Writes** ${writes.join(', ') || 'nothing'}`].join('\n');
}

/** A document with other content between two marks of its own. Throws when it has not both. */
export function between(document: string, content: string, begin = BEGIN, end = END): string {
  const [before, rest] = document.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`a document has no ${begin} … ${end} to fill`);
  return `${before}${begin}\n${content}\n${end}${after}`;
}
