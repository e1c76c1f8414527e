// @ts-check
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Shapes of code that no file may hold, whatever its folder. */
const bannedSyntax = [
  { selector: 'ExportDefaultDeclaration', message: 'No default exports: one name, the same everywhere.' },
  {
    selector: 'ExportNamedDeclaration > ExportSpecifier[exported.name="default"]',
    message: 'No default exports: one name, the same everywhere.',
  },
  { selector: 'ExportAllDeclaration', message: 'No "export *": list the names one by one.' },
];

const envMessage = 'The environment is read in src/open-host.ts only; pass the value down.';
const bannedEnv = {
  'no-restricted-properties': ['error', { object: 'process', property: 'env', message: envMessage }],
  'no-restricted-imports': [
    'error',
    {
      paths: ['process', 'node:process'].map((name) => ({ name, importNames: ['env'], message: envMessage })),
    },
  ],
};

export default defineConfig(
  globalIgnores(['dist/', '.build/', 'coverage/', 'assets/', 'guest/', 'kernel/']),

  {
    name: 'smolvm/all',
    linterOptions: { reportUnusedDisableDirectives: 'error', reportUnusedInlineConfigs: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-empty': 'error',
      'no-restricted-syntax': ['error', ...bannedSyntax],
    },
  },

  {
    name: 'smolvm/typescript',
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      complexity: ['error', 12],
      'max-lines': ['error', 300],
      'max-lines-per-function': ['error', 60],
      'max-params': ['error', 4],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },

  {
    name: 'smolvm/environment',
    files: ['src/**/*.ts'],
    ignores: ['src/open-host.ts', '**/*.test.ts'],
    rules: bannedEnv,
  },
  {
    name: 'smolvm/console',
    files: ['src/**/*.ts'],
    ignores: ['src/cli/**', '**/*.test.ts'],
    rules: { 'no-console': 'error' },
  },

  {
    name: 'smolvm/fakes',
    files: ['src/testing/**/*.ts'],
    rules: { '@typescript-eslint/require-await': 'off' },
  },
  {
    name: 'smolvm/tests',
    files: ['**/*.test.ts', 'test/**/*.ts'],
    rules: {
      'max-lines': ['error', 600],
      'max-lines-per-function': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // Tools ask for a default export here.
    name: 'smolvm/config-files',
    files: ['*.config.{js,ts}', '.dependency-cruiser.js'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
