/** Rendering as the tests do it. */
import { readFileSync, writeFileSync } from 'node:fs';
import pc from 'picocolors';
import type { Report } from '../../src/report/model.js';
import { renderTable } from '../../src/render/table.js';

export function plainTable(report: Report, width = 80, verbose = false): string {
  return renderTable(report, { width, color: pc.createColors(false), verbose });
}

/** The text of a golden file; with UPDATE_GOLDENS=1 it becomes `actual` first. */
export function golden(name: string, actual: string): string {
  const file = new URL(`golden/${name}`, import.meta.url);
  if (process.env.UPDATE_GOLDENS === '1') writeFileSync(file, actual);
  return readFileSync(file, 'utf8');
}
