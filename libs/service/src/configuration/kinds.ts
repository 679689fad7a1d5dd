import { field, type Declaration, type Field, type Parsed } from './field.js';

/** Node's timers overflow above this and fire at once. */
const DURATION_MAX_MS = 2_147_483_647;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SECRET_LENGTH_MIN = 32;

type Optional<T, D> = Field<D extends { readonly default: null } ? T | undefined : T>;

const ok = <T>(value: T): Parsed<T> => ({ value });
const wrong = (problem: string): { readonly problem: string } => ({ problem });

/** Any text without control characters; `pattern` narrows it. */
export function text<D extends Declaration<string> & { pattern?: RegExp; form?: string }>(d: D): Optional<string, D> {
  return field<string, D>('text', d, (value) =>
    !d.pattern || d.pattern.test(value) ? ok(value) : wrong(`must be ${d.form ?? `like ${d.pattern.source}`}`),
  );
}

/** A whole number between `min` and `max`, both included. */
export function integer<D extends Declaration<number> & { min: number; max: number }>(d: D): Optional<number, D> {
  return field<number, D>('integer', d, (value) => {
    const number = /^-?[0-9]{1,15}$/.test(value) ? Number(value) : NaN;
    return number >= d.min && number <= d.max ? ok(number) : wrong(`must be a whole number from ${d.min} to ${d.max}`);
  });
}

/** A share between 0 and 1. */
export function ratio<D extends Declaration<number>>(d: D): Optional<number, D> {
  return field<number, D>('ratio', d, (value) => {
    const number = /^[0-9]+(\.[0-9]+)?$/.test(value) ? Number(value) : NaN;
    return number >= 0 && number <= 1 ? ok(number) : wrong('must be a number from 0 to 1');
  });
}

/** A TCP port; 0 takes any free one. */
export function port<D extends Declaration<number>>(d: D): Optional<number, D> {
  return integer({ ...d, min: 0, max: 65_535 });
}

/** A span of time with its unit: `500ms`, `30s`, `5m`, `2h`, `7d`. The value is milliseconds. */
export function duration<D extends Declaration<number> & { min?: number; max?: number }>(d: D): Optional<number, D> {
  const { min = 1, max = DURATION_MAX_MS } = d;
  return field<number, D>(
    'duration',
    d,
    (value) => parseDuration(value, min, Math.min(max, DURATION_MAX_MS)),
    showDuration,
  );
}

/** Spans of time, ascending, separated by commas: `5s,30s,5m`. The values are milliseconds. */
export function durations<D extends Declaration<readonly number[]>>(d: D): Optional<readonly number[], D> {
  return field<readonly number[], D>(
    'duration list',
    d,
    (value) => {
      const list: number[] = [];
      for (const one of value.split(',')) {
        const parsed = parseDuration(one, 1, DURATION_MAX_MS);
        if ('problem' in parsed) return wrong(`${parsed.problem}, in each of its places`);
        if (parsed.value <= (list.at(-1) ?? 0)) return wrong('must become longer from each to the next');
        list.push(parsed.value);
      }
      return ok(list);
    },
    (list) => list.map(showDuration).join(','),
  );
}

function parseDuration(value: string, min: number, max: number): Parsed<number> {
  const [, digits, unit] = /^([0-9]{1,12})(ms|s|m|h|d)$/.exec(value) ?? [];
  if (!digits || !unit) return wrong('must be a whole number with a unit: ms, s, m, h or d');
  const ms = Number(digits) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return ms >= min && ms <= max ? ok(ms) : wrong(`must be from ${showDuration(min)} to ${showDuration(max)}`);
}

function showDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms >= UNIT_MS[unit] && ms % UNIT_MS[unit] === 0) return `${ms / UNIT_MS[unit]}${unit}`;
  }
  return `${ms}ms`;
}

/** `true` or `false`, nothing else. */
export function boolean<D extends Declaration<boolean>>(d: D): Optional<boolean, D> {
  return field<boolean, D>('boolean', d, (value) =>
    value === 'true' || value === 'false' ? ok(value === 'true') : wrong('must be true or false'),
  );
}

/** One of a few words. */
export function choice<const C extends string, D extends Declaration<C>>(choices: readonly C[], d: D): Optional<C, D> {
  return field<C, D>(choices.join(' \\| '), d, (value) =>
    (choices as readonly string[]).includes(value) ? ok(value as C) : wrong(`must be one of ${choices.join(', ')}`),
  );
}

/** An absolute URL with one of the protocols, such as `['http', 'https']`. The password of its default is not shown. */
export function url<D extends Declaration<string> & { protocols: readonly string[] }>(d: D): Optional<string, D> {
  return field<string, D>(
    'URL',
    d,
    (value) => parseUrl(value, d.protocols),
    (value) => value.replace(/:[^/:@]+@/, ':…@'),
  );
}

function parseUrl(value: string, protocols: readonly string[]): Parsed<string> {
  // The WHATWG parser silently drops blanks and newlines, and what connects later may not.
  if (/\s/.test(value)) return wrong('must not contain blanks or newlines');
  const parsed = URL.canParse(value) ? new URL(value) : undefined;
  if (!parsed || !protocols.includes(parsed.protocol.slice(0, -1)) || parsed.hostname === '') {
    return wrong(`must be an absolute URL with ${protocols.join(' or ')}`);
  }
  return ok(value);
}

/** Absolute URLs as {@link url}, separated by commas; never shown. `check`: the problem of one, or undefined. */
export function urls<
  D extends Declaration<readonly string[]> & {
    protocols: readonly string[];
    check?: (one: string) => string | undefined;
  },
>(d: D): Optional<readonly string[], D> {
  return field<readonly string[], D>(
    'URL list',
    d,
    (value) => {
      const list = value.split(',');
      for (const one of list) {
        const parsed = parseUrl(one, d.protocols);
        const problem = 'problem' in parsed ? parsed.problem : d.check?.(one);
        if (problem !== undefined) return wrong(`${problem}, in each of its places`);
      }
      return ok(list);
    },
    () => 'not shown',
  );
}

/** `host:port`, several separated by commas. */
export function hosts<D extends Declaration<readonly string[]>>(d: D): Optional<readonly string[], D> {
  return field<readonly string[], D>(
    'host:port list',
    d,
    (value) => {
      const list = value.split(',');
      return list.every((host) => /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$/.test(host))
        ? ok(list)
        : wrong('must be host:port, several separated by commas');
    },
    (list) => list.join(','),
  );
}

/**
 * A key or password of ours: at least 32 characters. Its default is for development only, and production refuses it,
 * whether left unset or copied.
 */
export function secret<D extends Declaration<string>>(d: D): Optional<string, D> {
  const declared = typeof d.default === 'string' ? { ...d, inProduction: 'required' } : d;
  return field<string, D>(
    'secret',
    declared as D,
    (value, production) => {
      if (value.length < SECRET_LENGTH_MIN) return wrong(`must have at least ${SECRET_LENGTH_MIN} characters`);
      return production && value === d.default ? wrong('must not be the development default in production') : ok(value);
    },
    () => 'a development value',
  );
}

/** A password that another system chose: any length, never shown. */
export function credential<D extends Declaration<string>>(d: D): Optional<string, D> {
  return field<string, D>('secret', d, ok, () => 'not shown');
}
