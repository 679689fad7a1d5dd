/** What the generator's process is told and what it answers. Times are milliseconds since 1970, with fractions. */
export interface GeneratorStart {
  readonly port: number;
  readonly apiKey: string;
  readonly accounts: readonly string[];
  /** Where the payments are by card: the clearing account, and the brand by which they are routed. */
  readonly card?: { readonly clearing: string; readonly brand: string };
}

export interface StepOrder {
  readonly rate: number;
  readonly seconds: number;
}

export interface StepResult {
  readonly ids: readonly string[];
  /** When each was to be sent, whether a connection was free or not. */
  readonly planned: Float64Array;
  /** When its answer was there; 0 where none came. */
  readonly answered: Float64Array;
  /** 0 where the connection broke. */
  readonly status: Uint16Array;
}
