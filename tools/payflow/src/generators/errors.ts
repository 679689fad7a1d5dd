import { DECLINES, NOT_SENT_REASONS, PROBLEMS, REFUSALS, type ProblemSpec } from '@payflow/contracts';

/** The error catalogue: every code an answer can carry, and every reason of a refusal. */
export function errorCatalogue(): string {
  const problems = Object.entries<ProblemSpec>(PROBLEMS).sort(
    ([a, x], [b, y]) => x.status - y.status || a.localeCompare(b),
  );
  return [
    '# Errors',
    '',
    'Generated from `libs/contracts`: do not edit. Answers are `application/problem+json` (RFC 9457); `code` is stable.',
    '',
    '| status | code | meaning | what to do | retry |',
    '|---|---|---|---|---|',
    ...problems.map(
      ([code, { status, title, remedy, retryable }]) =>
        `| ${status} | <a id="${code}"></a>\`${code}\` | ${title} | ${remedy} | ${retryable ? 'yes' : 'no'} |`,
    ),
    '',
    '## Reasons of a refusal',
    '',
    'In `failure.code` of a failed payment and in `reason` of a `…rejected` event.',
    '',
    '| reason | meaning |',
    '|---|---|',
    ...meanings(REFUSALS),
    '',
    '## Why a provider declined',
    '',
    'In `failure.code`, in the same words for all providers.',
    '',
    '| reason | meaning |',
    '|---|---|',
    ...meanings(DECLINES),
    '',
    '## Why a provider was not asked',
    '',
    'In `code` of an attempt, and in `failure.code` where no other provider could be asked. Nothing has happened there.',
    '',
    '| reason | meaning |',
    '|---|---|',
    ...meanings(NOT_SENT_REASONS),
    '',
  ].join('\n');
}

function meanings(reasons: Readonly<Record<string, string>>): string[] {
  return Object.entries(reasons).map(([reason, meaning]) => `| \`${reason}\` | ${meaning} |`);
}
