import { statement } from '../statement.js';

/**
 * Up to where the log must have been replayed for everything that is visible now to be there. A transaction that did not wait for
 * the disk is visible before its record is there, and only then lies behind what has been flushed.
 */
export const PRIMARY_POSITION = statement(
  'database.primary-position',
  `select (case when current_setting('synchronous_commit') = 'off' then pg_current_wal_insert_lsn()
     else pg_current_wal_flush_lsn() end - '0/0'::pg_lsn)::bigint as position,
     left(pg_walfile_name(pg_current_wal_lsn()), 8) as timeline`,
);

/** Where a primary is, and in which of the histories of its cluster: each that takes over begins another. */
export interface PlaceInLog {
  readonly position: bigint;
  /** Eight hexadecimal digits. */
  readonly timeline: string;
}

/** The position of the primary as it is when asked for; those who ask at the same moment share an answer. */
export class PrimaryPosition {
  private running: Promise<bigint> | undefined;
  private next: Promise<bigint> | undefined;

  constructor(private readonly ask: () => Promise<bigint>) {}

  /** An answer that was under way before may tell of an earlier moment: whoever asks meanwhile waits for the one after it. */
  now(): Promise<bigint> {
    if (!this.running) return this.begin();
    this.next ??= this.running.then(
      () => this.begin(),
      () => this.begin(),
    );
    return this.next;
  }

  private begin(): Promise<bigint> {
    this.next = undefined;
    const running = this.ask();
    this.running = running;
    const over = (): void => {
      if (this.running === running) this.running = undefined;
    };
    running.then(over, over);
    return running;
  }
}
