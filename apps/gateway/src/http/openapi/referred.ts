/** What is meant: the thing itself, or what it refers to within the document. */
export function referred<T extends object>(document: object, thing: T | { readonly $ref: string }): T {
  if (!('$ref' in thing) || typeof thing.$ref !== 'string') return thing as T;
  const parts = thing.$ref.split('/').slice(1);
  const found = parts.reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], document);
  if (found === undefined) throw new Error(`the document has nothing at ${thing.$ref}`);
  return referred(document, found as T);
}
