/** Count and sum of ids (low 48 bits, modulo 2^48) of one day's messages; the day is the one inside the id, UTC. */
export interface DayTally {
  /** `YYYY-MM-DD` */
  readonly day: string;
  readonly messages: number;
  readonly id_sum: number;
}

export interface SetAsideTally extends DayTally {
  readonly group: string;
  readonly topic: string;
  /** `waiting`: for its predecessor. `undecodable`: a record nobody here could have sent as it was, so it may not count as received. */
  readonly kind: 'parked' | 'waiting' | 'dead_lettered' | 'undecodable';
  /** Of dead letters, as far as they say so. */
  readonly type: string | null;
}

/** What one service has sent, received and set aside, as `/internal/tallies` gives it. */
export interface TallyReport {
  readonly sent: readonly (DayTally & { readonly topic: string })[];
  readonly received: readonly (DayTally & { readonly group: string; readonly topic: string })[];
  readonly set_aside: readonly SetAsideTally[];
  /** The archiver's: what is in the archive by type. */
  readonly archived: readonly (DayTally & { readonly topic: string; readonly type: string })[];
}
