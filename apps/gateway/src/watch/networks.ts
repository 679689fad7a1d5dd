import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';

/** A set of networks, by CIDR blocks and single addresses. */
export class Networks {
  readonly #list = new BlockList();

  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = '', prefix] = network.split('/');
      if (prefix === undefined) this.#list.addAddress(address, familyOf(address));
      else this.#list.addSubnet(address, Number(prefix), familyOf(address));
    }
  }

  has(address: string): boolean {
    return this.#list.check(address, familyOf(address));
  }
}

const MAPPED = '::ffff:';

/** The one spelling of an address, of IPv4 mapped into IPv6 the IPv4; undefined for what is none. */
export function plainAddress(text: string): string | undefined {
  const version = isIP(text);
  if (version === 4) return text;
  if (version === 0 || text.includes('%')) return undefined;
  const { address } = new SocketAddress({ address: text, family: 'ipv6' });
  const mapped = address.startsWith(MAPPED) ? address.slice(MAPPED.length) : '';
  return isIPv4(mapped) ? mapped : address;
}

/** Whom an address stands for: of IPv6 all of its /64, because each customer has at least one to choose from. */
export function subjectOf(address: string): string {
  return isIPv4(address) ? address : `${headOf(address, 4)}::/64`;
}

/** The network an address is from, as far as a customer stays in one: the /24, of IPv6 the /48. */
export function networkOf(address: string): string {
  if (isIPv4(address)) return `${address.slice(0, address.lastIndexOf('.'))}.0/24`;
  return `${headOf(address, 3)}::/48`;
}

const GROUPS = 8;

/** The first groups of an address of IPv6. */
function headOf(address: string, groups: number): string {
  const [before = '', after] = address.split('::');
  const [head, tail] = [before, after ?? ''].map((part) => (part === '' ? [] : part.split(':')));
  const missing = after === undefined ? 0 : GROUPS - (head?.length ?? 0) - (tail?.length ?? 0);
  const all = [...(head ?? []), ...Array<string>(missing).fill('0'), ...(tail ?? [])];
  return all.slice(0, groups).join(':');
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}
