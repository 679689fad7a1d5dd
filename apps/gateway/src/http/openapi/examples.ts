import recorded from './recorded-examples.json' with { type: 'json' };
import type { Operation } from './operation.js';
import { sampleOf } from './sample.js';

/** What was asked of an operation when the examples were played last, and what it answered. */
export interface Recorded {
  readonly request: {
    readonly path?: Readonly<Record<string, string>>;
    readonly query?: Readonly<Record<string, string>>;
    readonly body?: unknown;
  };
  /** Answers' JSON by status. */
  readonly answers: Readonly<Record<string, unknown>>;
}

const RECORDED = recorded as unknown as Readonly<Record<string, Recorded>>;

/**
 * The examples of the document: as they were played by `apps/e2e/src/conformance/examples.e2e.spec.ts`, which plays them anew; of
 * operations that nobody plays they are made of the schemas.
 */
export class Examples {
  requestOf({ id, body }: Operation): unknown {
    if (body === undefined) return undefined;
    return RECORDED[id]?.request.body ?? sampleOf(body);
  }

  parameterOf({ id }: Operation, place: 'path' | 'query', name: string): string | undefined {
    return RECORDED[id]?.request[place]?.[name];
  }

  answerOf({ id, answer, status, dryRun }: Operation, of: number): unknown {
    const played = RECORDED[id]?.answers[of];
    if (played !== undefined) return played;
    const schema = dryRun !== undefined && of === 200 && status !== 200 ? dryRun : answer;
    return schema === undefined ? undefined : sampleOf(schema);
  }
}
