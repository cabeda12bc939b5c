#!/usr/bin/env node
// Write dist/cli/: the command as one file, in place of what tsc made of src/cli/. Finding, reading and linking its modules would take
// longer than running them. It is CommonJS, which Node starts without its loader of ES modules, and not minified, so that a stack
// trace can be read. Like the sources it lies two directories below the top: from there they look for build/ and package.json.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'rolldown';

const root = join(import.meta.dirname, '..');
const directory = join(root, 'dist/cli');

async function main() {
  const { output: [bundle] } = await build({
    cwd: root,
    input: 'src/cli/main.ts',
    platform: 'node',
    transform: { target: 'node20' },
    output: { dir: directory, cleanDir: true, format: 'cjs', codeSplitting: false },
  });
  writeFileSync(join(directory, 'package.json'), '{ "type": "commonjs" }\n');
  writeFileSync(join(directory, 'LICENSES'), [...packages(bundle.moduleIds)].map(notice).join('\n'));
}

/** Directories of the packages that are in the bundle. */
function packages(modules) {
  return new Set(modules.flatMap((id) => /^\/.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []).sort());
}

/** What a package wants to be passed on with it. */
function notice(path) {
  const { name, version } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} has no license to pass on`);
  return `${name} ${version}\n\n${readFileSync(join(path, file), 'utf8').trim()}\n`;
}

await main();
