/** What a command says of the version that it is for: nothing, where any will do. Its owner compares it: only there is the thing as it stands. */
export function conditionOf(ifVersion: number | null): { readonly if_version?: number } {
  return ifVersion === null ? {} : { if_version: ifVersion };
}
