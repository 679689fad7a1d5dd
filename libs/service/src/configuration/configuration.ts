import type { Fields, Values } from './field.js';

/** One service's variables: what its `<service>.config.ts` declares, and all that the service reads from the environment. */
export interface Configuration<F extends Fields = Fields, S extends string = string> {
  readonly service: S;
  readonly fields: F;
  readonly rules: readonly Rule[];
}

/** What variables must be to each other: the problem, or undefined. Only called when each of them is right by itself. */
export type Rule = (values: Readonly<Record<string, unknown>>) => string | undefined;

export type ConfigurationOf<C extends Configuration> = Values<C['fields']>;

/** sysexits.h: configuration error. */
const EXIT_CONFIGURATION = 78;
// eslint-disable-next-line no-control-regex
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/;

export class ConfigurationError extends Error {
  constructor(
    service: string,
    /** One line per problem, naming variables and never their values. */
    readonly problems: readonly string[],
  ) {
    super(
      `${service} cannot start, its configuration has ${problems.length} problem(s):\n${problems.map((line) => `  ${line}`).join('\n')}`,
    );
  }
}

/** Declares a service's variables. */
export function defineConfiguration<F extends Fields, const S extends string>(
  service: S,
  fields: F,
  rules: readonly Rule[] = [],
): Configuration<F, S> {
  return { service, fields, rules };
}

/** Reads and checks all variables. Throws a {@link ConfigurationError} that names every problem at once. */
export function readConfiguration<F extends Fields>(
  { service, fields, rules }: Configuration<F>,
  env: NodeJS.ProcessEnv,
): Values<F> {
  const production = (env['NODE_ENV'] || 'production') === 'production';
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const name of Object.keys(fields)) {
    const outcome = readField(fields, name, env[name], production);
    if ('problem' in outcome) problems.push(`${name} ${outcome.problem}`);
    else values[name] = outcome.value;
  }
  if (problems.length === 0) problems.push(...rules.flatMap((rule) => rule(values) ?? []));
  if (problems.length > 0) throw new ConfigurationError(service, problems);
  return values as Values<F>;
}

function readField(fields: Fields, name: string, text: string | undefined, production: boolean) {
  const field = fields[name] as Fields[string];
  const fallback = field.fallback(production);
  // Compose files pass unset optional variables on as empty ones; anywhere else an empty value is a mistake.
  const unset = text === undefined || (text === '' && fallback !== 'required' && fallback.value === undefined);
  if (unset) return fallback === 'required' ? { problem: 'is missing' } : fallback;
  if (text === '') return { problem: 'is set but empty' };
  if (CONTROL_CHARACTERS.test(text)) return { problem: 'contains a newline or another control character' };
  return field.parse(text, production);
}

/** {@link readConfiguration} of this process's environment; on problems prints them to stderr and ends with exit code 78. */
export function configurationOrExit<F extends Fields>(configuration: Configuration<F>): Values<F> {
  try {
    return readConfiguration(configuration, process.env);
  } catch (error) {
    exitOnConfigurationError(error);
    throw error;
  }
}

/** Prints the problems of a {@link ConfigurationError} to stderr and ends with exit code 78; of anything else it makes nothing. */
export function exitOnConfigurationError(error: unknown): void {
  if (!(error instanceof ConfigurationError)) return;
  process.stderr.write(`${error.message}\n`);
  process.exit(EXIT_CONFIGURATION);
}

/** The variables as a Markdown table: name, kind, default, meaning. */
export function configurationTable({ fields }: Configuration): string {
  const rows = Object.entries(fields).map(
    ([name, { kind, defaultText, description }]) => `| \`${name}\` | ${kind} | ${defaultText} | ${description} |`,
  );
  return ['| variable | kind | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}
