export type AdviceKind =
  | 'missing_index'
  | 'wrong_column_order'
  | 'unused_index'
  | 'duplicate_index'
  | 'invalid_index'
  | 'bloated_index'
  | 'bloated_table'
  | 'stale_statistics'
  | 'vacuum_debt'
  | 'wraparound'
  | 'sequential_scan'
  | 'pruning_miss'
  | 'repeated_statement';

/** An index that does not exist, for a statement that would be quicker with it. */
export interface CandidateIndex {
  readonly table: string;
  readonly columns: readonly string[];
  /** The statement that it is for. */
  readonly text: string;
}

/** What an operator could do, and why. Nobody does it unasked. */
export interface Advice {
  readonly kind: AdviceKind;
  /** The table, index or statement that it is about. */
  readonly subject: string;
  /** What was seen, in figures. */
  readonly evidence: string;
  /** To be run in this order, each outside a transaction; empty where the remedy is in the code. */
  readonly statements: readonly string[];
  readonly gain: string;
  /** What others wait for while it is applied. */
  readonly lock: string;
  readonly candidate?: CandidateIndex;
}

/** From where on something is worth an advice. */
export interface Limits {
  /** Before that, an index that was not used may be for what happens once a week. */
  readonly observed_s_min: number;
  /** How often a table must have been read before an index of it can be called unused. */
  readonly reads_min: number;
  readonly calls_min: number;
  /** A smaller table is read whole sooner than an index is searched. */
  readonly table_rows_min: number;
  readonly mean_ms_min: number;
  /** The share of a table that a statement may keep for an index to be worth it. */
  readonly kept_share_max: number;
  readonly bloat_bytes_min: number;
  readonly bloat_ratio_min: number;
  readonly changed_rows_min: number;
  readonly changed_share_min: number;
  /** How long autovacuum may take to see what it has to do. */
  readonly autovacuum_grace_s: number;
  readonly partitions_min: number;
  /** What all executions together must have taken for the partitions they read in vain to matter: a cold start takes longer each time. */
  readonly pruning_total_ms_min: number;
  /** Executions of a statement for each one of its peer's. */
  readonly repeats_min: number;
}

export const LIMITS: Limits = {
  observed_s_min: 7 * 86_400,
  reads_min: 1_000,
  calls_min: 20,
  table_rows_min: 10_000,
  mean_ms_min: 1,
  kept_share_max: 0.05,
  bloat_bytes_min: 16 * 1024 * 1024,
  bloat_ratio_min: 2,
  changed_rows_min: 10_000,
  changed_share_min: 0.3,
  autovacuum_grace_s: 600,
  partitions_min: 3,
  pruning_total_ms_min: 1_000,
  repeats_min: 10,
};

/** What is locked, by what is done. */
export const LOCKS = {
  analyze: 'SHARE UPDATE EXCLUSIVE: reads and writes go on; no DDL and no other VACUUM or ANALYZE of it meanwhile',
  concurrently:
    'SHARE UPDATE EXCLUSIVE: reads and writes go on; it waits for the transactions that are open when it begins',
  exclusive: 'ACCESS EXCLUSIVE: nobody reads or writes it meanwhile',
  none: 'none',
} as const;

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];
const STEP = 1024;

export function sizeText(bytes: number): string {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log(Math.max(1, bytes)) / Math.log(STEP)));
  return `${Number((bytes / STEP ** step).toFixed(1))} ${UNITS[step]}`;
}

/** An identifier as a statement needs it; ours are lower case, an operator's need not be. */
export function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
