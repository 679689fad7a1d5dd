import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** Dependencies point one way: app → platform → contract → pure. `testing` is for specs and the end-to-end app. */
const boundaries = [
  { sourceTag: 'type:pure', onlyDependOnLibsWithTags: ['type:pure'] },
  { sourceTag: 'type:contract', onlyDependOnLibsWithTags: ['type:pure', 'type:contract'] },
  { sourceTag: 'type:platform', onlyDependOnLibsWithTags: ['type:pure', 'type:contract', 'type:platform'] },
  {
    sourceTag: 'type:testing',
    onlyDependOnLibsWithTags: ['type:pure', 'type:contract', 'type:platform', 'type:testing', 'type:local'],
  },
  { sourceTag: 'type:app', onlyDependOnLibsWithTags: ['type:pure', 'type:contract', 'type:platform'] },
  { sourceTag: 'type:tool', onlyDependOnLibsWithTags: ['type:pure', 'type:contract', 'type:platform', 'type:app'] },
  {
    sourceTag: 'type:e2e',
    onlyDependOnLibsWithTags: ['type:pure', 'type:contract', 'type:platform', 'type:testing', 'type:local'],
  },
];
const inSpecs = boundaries.map((rule) => ({
  ...rule,
  onlyDependOnLibsWithTags: [...rule.onlyDependOnLibsWithTags, 'type:testing'],
}));

/** A spec may use the testing library although that is built on the library under test: specs are not part of any build. */
const ignoredCircularDependencies = ['database', 'messaging', 'service', 'invariants'].map((library) => [
  `@payflow/${library}`,
  '@payflow/testing',
]);

const enforce = (depConstraints, more = {}) => ({
  '@nx/enforce-module-boundaries': [
    'error',
    { enforceBuildableLibDependency: false, allow: [], depConstraints, ...more },
  ],
});

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.nx/**', '.payflow/**', 'docs/**'] },
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.mts'],
    extends: [...tseslint.configs.recommended],
    plugins: { '@nx': nx },
    rules: {
      ...enforce(boundaries),
      '@typescript-eslint/consistent-type-imports': 'off',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'max-lines': ['error', { max: 400, skipComments: true }],
      'max-lines-per-function': ['error', { max: 70, skipComments: true }],
      'max-params': ['error', 6],
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.spec.ts', '{apps,libs,tools}/*/src/testing/**/*.ts'],
    rules: { ...enforce(inSpecs, { ignoredCircularDependencies }), 'max-lines-per-function': 'off' },
  },
  {
    // Money is never a float: no parseFloat, no Number() of an amount, anywhere on its path.
    files: ['libs/money/**/*.ts', 'apps/{gateway,payments,ledger}/src/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: "CallExpression[callee.name='parseFloat']", message: 'Money is bigint minor units.' },
        {
          selector:
            "CallExpression[callee.name='Number'] > :matches(Identifier, MemberExpression[property.name])[name=/amount|balance|posted|pending/i]",
          message: 'Money is bigint minor units.',
        },
      ],
    },
  },
  {
    // The domain can be simulated: no clock, no randomness, nothing from outside but money and contracts.
    files: ['apps/*/src/domain/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            '@nestjs/*',
            '@payflow/database',
            '@payflow/messaging',
            '@payflow/telemetry',
            '@payflow/cache',
            '@payflow/resilience',
            'node:*',
            'pg',
            'typeorm',
            'kafkajs',
          ],
        },
      ],
      'no-restricted-globals': ['error', 'Date', 'Math', 'process', 'setTimeout', 'setInterval', 'performance'],
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        fetch: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        AbortSignal: 'readonly',
        performance: 'readonly',
        AbortController: 'readonly',
      },
    },
  },
);
