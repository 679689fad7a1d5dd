/** One table or partition as the server knows it. Sizes in bytes, counts since the server's statistics were last reset. */
export interface TableFacts {
  readonly name: string;
  /** The partitioned table that this one is a partition of, at the top. */
  readonly partitionOf: string | null;
  readonly isPartitioned: boolean;
  /** What its rows are routed to their partitions by; empty where it has none. */
  readonly partitionKey: readonly string[];
  readonly columns: readonly string[];
  readonly rows: number;
  readonly bytes: number;
  readonly indexBytes: number;
  /** What its rows would need at their average widths and its fill factor; null where there are no statistics. */
  readonly expectedBytes: number | null;
  readonly deadRows: number;
  /** Rows that changed since the planner's statistics were taken. */
  readonly changedRows: number;
  readonly analyzedAt: Date | null;
  readonly vacuumedAt: Date | null;
  readonly isAutovacuumed: boolean;
  readonly sequentialScans: number;
  readonly sequentialRows: number;
  readonly indexScans: number;
  /** Transactions since its oldest row was frozen. */
  readonly xidAge: number;
}

export interface IndexFacts {
  readonly name: string;
  readonly table: string;
  /** The index of the partitioned table that this one is a part of. */
  readonly partOf: string | null;
  readonly isPartitioned: boolean;
  /** Key columns or expressions, in order. */
  readonly columns: readonly string[];
  /** Operator class, collation and order of each key column: indexes that differ in one of them are not the same. */
  readonly traits: readonly string[];
  readonly included: readonly string[];
  readonly predicate: string | null;
  readonly method: string;
  readonly isUnique: boolean;
  /** A primary key, a unique or an exclusion constraint stands on it. */
  readonly backsConstraint: boolean;
  readonly isValid: boolean;
  /** With those of its partitions' indexes. */
  readonly scans: number;
  readonly bytes: number;
  readonly expectedBytes: number | null;
}

/** One column that a scan compares, and whether with `=` or as a range. */
export interface ComparedColumn {
  readonly column: string;
  readonly isEquality: boolean;
}

/** A table that a statement's plan reads; all partitions together. */
export interface ScanFacts {
  readonly table: string;
  readonly isSequential: boolean;
  /** Rows are read only to be thrown away: all of the table, or what an index that fits in part has led to. */
  readonly isWasteful: boolean;
  readonly compared: readonly ComparedColumn[];
  /** Rows that the planner expects to keep. */
  readonly keptRows: number;
  /** What is read is folded into sums or counts: that takes all of it, whatever comes out. */
  readonly isFolded: boolean;
  /** Of a partitioned table: how many partitions are read, of how many, and whether any condition names their key. */
  readonly partitions: { readonly read: number; readonly all: number; readonly isKeyNamed: boolean } | null;
}

export interface StatementFacts {
  /** As in the code; undefined for a text that is none of the product's. */
  readonly name: string | undefined;
  readonly text: string;
  readonly calls: number;
  readonly rows: number;
  readonly mean_ms: number;
  readonly total_ms: number;
  /** Rows that the planner expects it to return; undefined where it could not be explained. */
  readonly plannedRows: number | undefined;
  readonly scans: readonly ScanFacts[];
}

/** Everything that advice on one database follows from. */
export interface DatabaseFacts {
  readonly at: Date;
  /** From when on the server has counted. */
  readonly since: Date;
  /** Why statements are not counted; undefined when they are. */
  readonly uncounted: string | undefined;
  readonly bytes: number;
  readonly freezeAgeMax: number;
  readonly tables: readonly TableFacts[];
  readonly indexes: readonly IndexFacts[];
  readonly statements: readonly StatementFacts[];
}
