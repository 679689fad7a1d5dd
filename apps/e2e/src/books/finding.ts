/** Something that is not as it must be; `rule` is the invariant's number in docs/reliability.md. */
export interface Finding {
  readonly rule: string;
  readonly what: string;
}

const SHOWN_MAX = 20;

export function listed(findings: readonly Finding[]): string {
  const lines = findings.slice(0, SHOWN_MAX).map(({ rule, what }) => `  ${rule}: ${what}`);
  const rest = findings.length - lines.length;
  return [`${findings.length} findings`, ...lines, ...(rest > 0 ? [`  and ${rest} more`] : [])].join('\n');
}
