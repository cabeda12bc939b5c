import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** What no file under src/ may do, except where a later entry lifts it. */
const everywhere = {
  exit: {
    selector: "CallExpression[callee.object.name='process'][callee.property.name=/^(exit|abort|on|once|addListener|prependListener)$/]",
    message: 'A library must not end its host process or take over its signals; only src/cli may. Throw a KtraceError, or accept an AbortSignal.',
  },
  addon: {
    selector: 'Literal[value=/\\.node$/]',
    message: 'Only src/native loads the addon, so that there is one place that knows where it is and what to say when it is missing.',
  },
};

/** What the pure layers may not do either: they must replay a recording on any machine and give the same report. */
const purity = {
  dynamicImport: {
    selector: 'ImportExpression',
    message: 'A pure layer (tools, btf, report, render) has its whole dependency list at the top of the file, where the layering rule sees it.',
  },
  clock: {
    selector: "CallExpression[callee.object.name=/^(Date|performance)$/][callee.property.name='now'], NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'A pure layer has no clock: replaying a recording must give the report of the live run. Take the time from the events or as an argument.',
  },
};

const emptyArray = 'ArrayExpression[elements.length=0]';
const matchesAll = {
  selector: [`.arguments:nth-child(2) ${emptyArray}`, `${emptyArray}.arguments:nth-child(2)`].map((empty) => `CallExpression[callee.property.name='match'] > ${empty}`).join(', '),
  message: 'In a pattern of t.match, [] matches every array, so that it asserts nothing. Write { length: 0 } for an array that is empty.',
};

const builtins = {
  regex: '^(node:|(fs|os|path|process|child_process|crypto|net|http|https|worker_threads|perf_hooks|util|stream|events|buffer|timers)(/|$))',
  message: 'A pure layer (tools, btf, report, render) does no I/O, so that it can be tested without root and replayed anywhere. Let src/cli or src/source do it and pass the result in.',
};
const outerLayers = {
  regex: '^\\.\\.?/(.*/)?(native|source|cli|enrich)/',
  message: 'Data flows one way: source, decoder, aggregator, report, renderer. A pure layer (tools, btf, report, render) that reaches back to native, source, cli or enrich could no longer replay a recording.',
};
const globals = ['process', 'console', 'performance', 'fetch', 'setTimeout', 'setInterval', 'setImmediate', 'require'].map((name) => ({
  name,
  message: 'A pure layer (tools, btf, report, render) sees nothing but its arguments: no environment, no clock, no I/O.',
}));

export default defineConfig(
  { ignores: ['build/', 'dist/', '.tap/', 'src/generated/'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
    },
  },
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    languageOptions: { parserOptions: { project: './tsconfig.test.json' } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    // tap's test functions are awaited by the test they are in, or by the runner.
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'off', 'no-restricted-syntax': ['error', matchesAll] },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': ['error', everywhere.exit, everywhere.addon],
    },
  },
  { files: ['src/native/**/*.ts'], rules: { 'no-restricted-syntax': ['error', everywhere.exit] } },
  { files: ['src/cli/**/*.ts'], rules: { 'no-console': 'off', 'no-restricted-syntax': ['error', everywhere.addon] } },
  {
    files: ['src/{tools,btf,report,render}/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [builtins, outerLayers] }],
      'no-restricted-globals': ['error', ...globals],
      'no-restricted-syntax': ['error', ...Object.values(everywhere), ...Object.values(purity)],
    },
  },
);
