/**
 * The one error a part may end with: it names the part, the cause, the log file and the command that mends it,
 * so that whoever prints it needs to know nothing else.
 */
export class PartFailure extends Error {
  /**
   * @param {string} part  the part as people call it: "Kafka", "packages"
   * @param {string} cause  one sentence
   * @param {{ logFile?: string | undefined, mend?: string | undefined }} [more]  `mend` is a command or one instruction
   */
  constructor(part, cause, more = {}) {
    super(`${part}: ${cause}`);
    this.name = 'PartFailure';
    this.part = part;
    this.reason = cause;
    this.logFile = more.logFile;
    this.mend = more.mend;
  }
}

/** @param {unknown} error @returns {string} the message alone, whatever was thrown */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
