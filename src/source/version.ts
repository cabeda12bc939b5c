import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Version of the package. */
export const version: string = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;

/** Where it lies, seen from src/source, dist/source or the bundle in dist/cli. */
export const packageRoot: string = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
