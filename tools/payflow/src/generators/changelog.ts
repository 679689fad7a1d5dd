import { CHANGELOG, type Change } from '@payflow/gateway/changelog';

/** What changed in the API and when. */
export function changelog(): string {
  return [
    '# Changelog of the API',
    '',
    'Generated from `apps/gateway/src/http/docs/changelog.ts`: do not edit. The gateway shows the same at `/docs/changelog`. A day marked as a version can be asked for with `PayFlow-Version`.',
    ...CHANGELOG.flatMap(entry),
    '',
  ].join('\n');
}

function entry({ date, version, added, broken = [] }: Change): string[] {
  const list = (title: string, texts: readonly string[]) =>
    texts.length === 0 ? [] : ['', `**${title}**`, '', ...texts.map((text) => `- ${text}`)];
  return ['', `## ${date}${version ? ' (version)' : ''}`, ...list('Changed', broken), ...list('Added', added)];
}
