/** Nothing of the request left this process, or the provider said that it did not take it: another may be asked instead. */
export class NotSent extends Error {
  constructor(
    /** Stable snake_case. */
    readonly code: string,
    /** What is kept as evidence beside the code. */
    readonly facts: Readonly<Record<string, unknown>> = {},
    /** No connection could be made: trying again at once may help, and cannot do anything twice. */
    readonly isRepeatable: boolean = false,
  ) {
    super(code);
    this.name = 'NotSent';
  }
}

/** The request, or a part of it, was sent, and no answer came that can be relied on: it may have been done. */
export class Lost extends Error {
  constructor(
    /** Stable snake_case. */
    readonly code: string,
    readonly facts: Readonly<Record<string, unknown>> = {},
    /** It was a question, which changes nothing however often it is put. */
    readonly isRepeatable: boolean = false,
  ) {
    super(code);
    this.name = 'Lost';
  }
}
