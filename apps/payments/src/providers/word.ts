import type { InquiryAnswer } from '@payflow/connectors';
import type { NewsOutcome, NewsSource } from '../domain/attempt.js';

/** What somebody said of an attempt, whoever it was. */
export interface Word {
  readonly source: NewsSource;
  readonly outcome: NewsOutcome;
  readonly code: string | null;
  /** The provider's own id of what it did. */
  readonly reference: string | null;
  readonly url: string | null;
  /** The decline was of this provider alone. */
  readonly isOthersToTry: boolean;
  readonly content: object;
}

/** A connector's answer, as it is kept. */
export function wordOf(source: 'answer' | 'inquiry', answer: InquiryAnswer): Word {
  return {
    source,
    outcome: answer.outcome,
    code: 'code' in answer ? answer.code : null,
    reference: 'reference' in answer ? answer.reference : null,
    url: 'url' in answer ? answer.url : null,
    isOthersToTry: 'isOthersToTry' in answer && answer.isOthersToTry,
    content: answer.evidence,
  };
}

/** A connector broke where it should have answered: what it did before is not known. */
export function brokenOff(source: 'answer' | 'inquiry', error: unknown): Word {
  const name = error instanceof Error ? error.name : 'error';
  return wordOf(source, { outcome: 'unknown', code: 'connector_failed', evidence: { error: name } });
}
