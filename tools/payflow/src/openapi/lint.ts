/** What there is to say against the document by itself. */
export async function lintDocument(document: object): Promise<string[]> {
  // Only here: what serves the API has no need of it.
  const { createConfig, lintFromString } = await import('@redocly/openapi-core');
  const config = await createConfig({
    extends: ['recommended'],
    rules: {
      // A transfer's id never reads as `bulk`, nor an account's as `aggregate`.
      'no-ambiguous-paths': 'off',
      'no-identical-paths': 'error',
      // Reads into `then` as if it stood alone.
      'no-required-schema-properties-undefined': 'off',
      // The server is the one that serves the document.
      'no-server-example.com': 'off',
      'no-invalid-media-type-examples': { severity: 'error', allowAdditionalProperties: true },
      'no-invalid-schema-examples': { severity: 'error', allowAdditionalProperties: true },
      'operation-description': 'error',
      'operation-tag-defined': 'error',
      'operation-4xx-problem-details-rfc7807': 'error',
      'path-parameters-defined': 'error',
      'tag-description': 'error',
    },
  });
  const found = await lintFromString({ source: JSON.stringify(document), absoluteRef: '/openapi.json', config });
  return found.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer ?? ''}`);
}
