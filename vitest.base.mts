/** What all three kinds of tests share: decorators as the compiler makes them, and libraries from their sources. */
export const base = {
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  resolve: { conditions: ['@payflow/source'] },
  ssr: { resolve: { conditions: ['@payflow/source', 'module', 'node', 'development|production'] } },
  test: { environment: 'node' as const, setupFiles: ['reflect-metadata'], passWithNoTests: true },
};
