import type { StatementExecution } from './statement-events.js';

/** A plan costs the server as much as a read, and holds a connection while it is made. */
const PLANS_AT_MOST_EVERY_MS = 1_000;
/** A plan seldom changes within it; seen again sooner, it would only fill the log. */
const SAME_PLAN_AFTER_MS = 600_000;
const SAME_LINE_AFTER_MS = 1_000;
/** Texts that an ORM makes up could be without end. */
const REMEMBERED_MAX = 1_000;

export interface SlowStatement {
  readonly execution: StatementExecution;
  /** Slow executions of the same statement since the last one that was let through. */
  readonly suppressed: number;
  /** Whether it is this one's turn to be explained. */
  readonly explain: boolean;
}

interface Remembered {
  lineAfter_ms: number;
  planAfter_ms: number;
  suppressed: number;
}

/** Decides which slow executions are told, and which of them with a plan: a server that is slow at all must not flood the log. */
export class SlowStatements {
  private readonly remembered = new Map<string, Remembered>();
  private planAfter_ms = -Infinity;

  constructor(private readonly threshold_ms: number) {}

  /** `now_ms`: of a clock that never goes back. Undefined for what is quick, or was told a moment ago. */
  seen(execution: StatementExecution, now_ms: number): SlowStatement | undefined {
    if (execution.duration_ms < this.threshold_ms) return undefined;
    const before = this.of(execution.name ?? execution.text);
    if (now_ms < before.lineAfter_ms) {
      before.suppressed++;
      return undefined;
    }
    const { suppressed } = before;
    before.suppressed = 0;
    before.lineAfter_ms = now_ms + SAME_LINE_AFTER_MS;
    const explain = now_ms >= before.planAfter_ms && now_ms >= this.planAfter_ms;
    if (explain) {
      before.planAfter_ms = now_ms + SAME_PLAN_AFTER_MS;
      this.planAfter_ms = now_ms + PLANS_AT_MOST_EVERY_MS;
    }
    return { execution, suppressed, explain };
  }

  private of(key: string): Remembered {
    const known = this.remembered.get(key);
    if (known) return known;
    if (this.remembered.size >= REMEMBERED_MAX) this.remembered.clear();
    const made = { lineAfter_ms: -Infinity, planAfter_ms: -Infinity, suppressed: 0 };
    this.remembered.set(key, made);
    return made;
  }
}
