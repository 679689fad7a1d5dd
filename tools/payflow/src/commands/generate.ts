import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { openApiDocument } from '@payflow/gateway/openapi';
import { asyncApi } from '../generators/asyncapi.js';
import { changelog } from '../generators/changelog.js';
import { configurationTables } from '../generators/configuration.js';
import { errorCatalogue } from '../generators/errors.js';
import { indexTable } from '../generators/indexes.js';
import { scenarioPages } from '../generators/scenarios.js';
import { attemptLife, paymentLife } from '../generators/payment-life.js';
import { libraryTopologies, messageCatalogue, topologyDiagram, withDiagram } from '../generators/topology.js';

interface GeneratedFile {
  readonly path: string;
  readonly content: string;
}

/** Writes every document that is made from code; with `--check` only tells which of them are out of date. */
export function generate({ check }: { check?: boolean }): void {
  const stale = files().filter(({ path, content }) => !existsSync(path) || readFileSync(path, 'utf8') !== content);
  if (check) {
    if (stale.length > 0)
      throw new Error(`out of date, run \`npm run generate\`: ${stale.map(({ path }) => path).join(', ')}`);
    return;
  }
  for (const { path, content } of stale) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    process.stdout.write(`wrote ${path}\n`);
  }
}

function files(): GeneratedFile[] {
  return [
    { path: 'docs/generated/asyncapi.json', content: `${JSON.stringify(asyncApi(), null, 2)}\n` },
    { path: 'docs/generated/openapi.json', content: `${JSON.stringify(openApiDocument(), null, 2)}\n` },
    { path: 'docs/gateway/changelog.md', content: changelog() },
    { path: 'docs/generated/configuration.md', content: configurationTables() },
    { path: 'docs/generated/errors.md', content: errorCatalogue() },
    { path: 'docs/generated/indexes.md', content: indexTable() },
    { path: 'docs/generated/messages.md', content: messageCatalogue() },
    { path: 'docs/generated/payment-life.md', content: paymentLife() },
    { path: 'docs/generated/attempt-life.md', content: attemptLife() },
    { path: 'docs/generated/topology.md', content: topologyDiagram() },
    { path: 'README.md', content: withDiagram(readFileSync('README.md', 'utf8')) },
    ...libraryTopologies(),
    ...scenarioPages(),
  ];
}
