/** What the pages in docs/ say in their tables, for tests that hold the code to it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** `path`: from the root of the project. */
export const textOf = (path: string): string => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');

/** Cells of the table whose heading begins so. */
export function tableRows(text: string, heading: string): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith(heading));
  const rows = lines.slice(start + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return start < 0 ? [] : rows.slice(0, end).map((line) => line.split('|').slice(1));
}

/** The capabilities that load and attach each variant, by its name, as the page of a tool has them. */
export function capabilitiesOf(tool: string): ReadonlyMap<string, readonly string[]> {
  const rows = tableRows(textOf(`docs/tools/${tool}.md`), '| variant | capabilities |');
  return new Map(rows.flatMap(([variants = '', capabilities = '']) => [...variants.matchAll(/`(\w+)`/g)].map(([, variant = '']) => [variant, capabilities.match(/CAP_\w+/g) ?? []] as const)));
}
