import type { IncomingHttpHeaders } from 'node:http';
import { plainAddress, type Networks } from './networks.js';

/** Where proxies say whom they speak for. One of them: who is behind a proxy that writes the one could invent the other. */
export const PROXY_HEADERS = ['x-forwarded-for', 'forwarded'] as const;
export type ProxyHeader = (typeof PROXY_HEADERS)[number];

export interface ProxyTrust {
  readonly proxies: Networks;
  readonly header: ProxyHeader;
}

/**
 * The address of the client: of the connection, or where that is a proxy of ours, the last address in its header that is not one.
 * What stands left of that anybody may have written. A header that a proxy of ours has garbled leaves the proxy itself.
 */
export function clientAddress(peer: string, headers: IncomingHttpHeaders, { proxies, header }: ProxyTrust): string {
  let address = plainAddress(withoutZone(peer)) ?? peer;
  if (!proxies.has(address)) return address;
  const given = headers[header];
  const hops = (header === 'forwarded' ? forwardedFor : (text: string) => text.split(','))([given ?? []].flat().join());
  for (let hop = hops.pop(); hop !== undefined && proxies.has(address); hop = hops.pop()) {
    const next = plainAddress(withoutPort(hop.trim()));
    if (next === undefined) return address;
    address = next;
  }
  return address;
}

/** A neighbour's link-local address comes with the network card of ours that it is at, which no column for addresses takes. */
function withoutZone(peer: string): string {
  const zone = peer.indexOf('%');
  return zone < 0 ? peer : peer.slice(0, zone);
}

/** The `for` of each element of `Forwarded` (RFC 7239); of one without, nothing that is an address. */
function forwardedFor(text: string): string[] {
  return text
    .split(',')
    .map((element) => /(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;\s"]*))/i.exec(element)?.slice(1, 3).join('') ?? '');
}

/** `192.0.2.1:80`, `[2001:db8::1]:80` and `[2001:db8::1]` with nothing but the address. */
function withoutPort(text: string): string {
  const [, bracketed, v4] = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/.exec(text) ?? [];
  return bracketed ?? v4 ?? text;
}
