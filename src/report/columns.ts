/** Columns of a report as one line each, by how they are shown: see `Column`. */
import type { Column } from './model.js';

type Make = (key: string, title: string, unit: Column['unit'], description: string) => Column;

export const cell: Make = (key, title, unit, description) => ({ key, title, unit, description });
const shown = (show: NonNullable<Column['show']>): Make => (key, title, unit, description) => ({ ...cell(key, title, unit, description), show });
export const [wide, detail, verbose, data] = [shown('wide'), shown('detail'), shown('verbose'), shown('data')];
