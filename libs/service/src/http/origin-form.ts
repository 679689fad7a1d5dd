const SLASH = 47;
const ABSOLUTE = /^https?:\/\/[^/?#]*(.*)$/is;

/**
 * A request's target in the form that all else reads. RFC 9112 §3.2.2 has a server take `http://host/path` too; what looks at how a
 * path begins would let that form by.
 */
export function originForm(target: string): string {
  if (target.charCodeAt(0) === SLASH) return target;
  const path = ABSOLUTE.exec(target)?.[1];
  if (path === undefined) return target;
  return path.charCodeAt(0) === SLASH ? path : `/${path}`;
}
