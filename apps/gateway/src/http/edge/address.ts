/** Path and query of an address as it came. In the query a question mark is a character like any other (RFC 3986 §3.4). */
export function partsOfAddress(url: string): readonly [path: string, query: string] {
  const at = url.indexOf('?');
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
}
