import { isIP } from 'node:net';
import { field, type Declaration, type Field } from './field.js';

const BITS = { 4: 32, 6: 128 } as const;

/** Networks as CIDR blocks (`10.0.0.0/8`, `2001:db8::/32`) or single addresses, separated by commas. */
export function networks<D extends Declaration<readonly string[]>>(
  d: D,
): Field<D extends { readonly default: null } ? readonly string[] | undefined : readonly string[]> {
  return field<readonly string[], D>(
    'network list',
    d,
    (value) => {
      const list = value.split(',');
      return list.every(isNetwork)
        ? { value: list }
        : { problem: 'must be addresses or CIDR blocks, such as 10.0.0.0/8, separated by commas' };
    },
    (list) => list.join(','),
  );
}

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || address.includes('%')) return false;
  return prefix === undefined || (/^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= BITS[version as 4 | 6]);
}
