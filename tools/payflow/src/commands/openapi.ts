import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { openApiDocument } from '@payflow/gateway/openapi';
import { breakingChanges } from '../openapi/compatibility.js';
import { lintDocument } from '../openapi/lint.js';

const RELEASED = 'docs/released';

/** `payflow openapi`: what the API promises, held against rules and against what it promised before. For maintainers. */
export function openApiCommands(): Command {
  const command = new Command('openapi').description('the document of the API');
  command
    .command('check')
    .description('lint it, and fail where it would break a client of the last released one')
    .action(check);
  command.command('release').description('keep it as the one that must not be broken any more').action(release);
  return command;
}

async function check(): Promise<void> {
  const document = openApiDocument();
  const faults = await lintDocument(document);
  const released = lastReleased();
  const broken = released === undefined ? [] : brokenOf(released, document);
  if (faults.length + broken.length === 0) return;
  const told = [...faults, ...broken.map((change) => `${change}: breaks clients of ${released}`)];
  throw new Error(`the OpenAPI document is not in order:\n${told.join('\n')}`);
}

/** Within a version there is only more: what clients of it were promised is not taken back by releasing it once more. */
function release(): void {
  const document = openApiDocument() as { readonly info: { readonly version: string } };
  mkdirSync(RELEASED, { recursive: true });
  const path = `${RELEASED}/openapi-${document.info.version}.json`;
  const broken = existsSync(path) ? brokenOf(path, document) : [];
  if (broken.length > 0)
    throw new Error(
      `version ${document.info.version} is released, and this would break its clients; a break is a new version:\n${broken.join('\n')}`,
    );
  writeFileSync(path, `${JSON.stringify(document, null, 2)}\n`);
  process.stdout.write(`wrote ${path}\n`);
}

function brokenOf(released: string, document: object): string[] {
  return breakingChanges(JSON.parse(readFileSync(released, 'utf8')) as object, document);
}

/** By the dates in their names. */
function lastReleased(): string | undefined {
  return globSync(`${RELEASED}/openapi-*.json`).sort().at(-1);
}
