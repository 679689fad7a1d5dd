import { Problem } from '@payflow/service';

/**
 * Takes `expand` out of an address. Throws `invalid_parameter` for a name that is not in the list, comes twice, or is none.
 * Everything else of the address stays, to be read by whoever reads it.
 */
export function withoutExpand<N extends string>(
  url: string,
  names: readonly N[],
): { url: string; expand: readonly N[] } {
  const start = url.indexOf('?');
  if (start < 0) return { url, expand: [] };
  const parts = url.slice(start + 1).split('&');
  const given = parts.filter((part) => part.startsWith('expand='));
  if (given.length === 0) return { url, expand: [] };
  const asked = decodeURIComponentOrNone((given[0] as string).slice('expand='.length)).split(',');
  const isFine = given.length === 1 && asked.every((name) => names.includes(name as N));
  if (!isFine || new Set(asked).size < asked.length) throw notOneOf(names);
  const others = parts.filter((part) => !part.startsWith('expand='));
  const rest = others.length > 0 ? `?${others.join('&')}` : '';
  return { url: `${url.slice(0, start)}${rest}`, expand: asked as N[] };
}

function decodeURIComponentOrNone(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function notOneOf(names: readonly string[]): Problem {
  const detail = `Must be one or more of ${names.join(', ')}, with commas between them, once.`;
  return new Problem('invalid_parameter', { errors: [{ pointer: 'expand', code: 'malformed', detail }] });
}
