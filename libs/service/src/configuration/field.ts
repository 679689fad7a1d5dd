/** What one environment variable may hold. `T` is what the program gets: a duration is milliseconds, a list is an array. */
export interface Field<T> {
  readonly kind: string;
  readonly description: string;
  /** Shown in the generated table; a secret's is not its value. */
  readonly defaultText: string;
  readonly fallback: (production: boolean) => Fallback<T>;
  readonly parse: (text: string, production: boolean) => Parsed<T>;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type Values<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** What stands in for a variable that is not set: a value, or nothing, and then it must be set. */
export type Fallback<T> = { readonly value: T } | 'required';
/** The value, or what is wrong with the text. The problem never repeats the text: it may be a secret in the wrong place. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

/** How a field is declared; without `default` it must be set, and with `null` it may stay unset. */
export interface Declaration<T> {
  readonly description: string;
  readonly default?: T | null;
  /** Where production wants another default; `'required'`: there it must be set. */
  readonly inProduction?: T | 'required';
}

type Result<T, D> = D extends { readonly default: null } ? T | undefined : T;

/** Builds a field of a kind from its declaration and its parser. `show` writes the default as one would set it. */
export function field<T, D extends Declaration<T>>(
  kind: string,
  declaration: D,
  parse: (text: string, production: boolean) => Parsed<T>,
  show: (value: T) => string = String,
): Field<Result<T, D>> {
  return {
    kind,
    description: declaration.description,
    defaultText: defaultText(declaration, show),
    fallback: (production) => fallback(declaration, production) as Fallback<Result<T, D>>,
    parse: parse as Field<Result<T, D>>['parse'],
  };
}

function fallback<T>(declaration: Declaration<T>, production: boolean): Fallback<T | undefined> {
  const given = production && declaration.inProduction !== undefined ? declaration.inProduction : declaration.default;
  if (given === undefined || given === 'required') return 'required';
  return { value: given ?? undefined };
}

function defaultText<T>(declaration: Declaration<T>, show: (value: T) => string): string {
  const usual = textOf(declaration.default, show);
  if (declaration.inProduction === undefined) return usual;
  return `${usual}; in production ${textOf(declaration.inProduction, show)}`;
}

function textOf<T>(value: T | 'required' | null | undefined, show: (value: T) => string): string {
  if (value === undefined || value === 'required') return 'required';
  return value === null ? 'unset' : show(value);
}
