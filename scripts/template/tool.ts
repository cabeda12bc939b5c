/** `ktrace sample` as data: its object, its options and its eyes. */
import { schema, type Maps } from '../../generated/sample.js';
import type { Report } from '../../report/model.js';
import type { Look, ReportOptions, Tables, Tool } from '../contract.js';
import { since, snapshotOf, type SampleSnapshot } from './aggregate.js';
import { SAMPLE_SORTS, sampleReport } from './report.js';

class SampleLook implements Look<never> {
  #last: SampleSnapshot | undefined;

  constructor(private readonly tables: Tables) {}

  begin(): void {
    this.tables.iterate('seed__any', 'sample_totals');
  }

  tick(): boolean {
    return false;
  }

  events(): { events: never[]; full: boolean } {
    return { events: [], full: false };
  }

  news(): readonly string[] {
    return [];
  }

  report(options: ReportOptions, interval: boolean): Report {
    const rows = this.tables.rows<Maps['totals']['key'], Maps['totals']['value']>('totals');
    const whole = snapshotOf(rows, this.tables.counters('hits'), this.tables.counters('totals_full'));
    const shown = interval && this.#last ? since(this.#last, whole) : whole;
    this.#last = whole;
    return sampleReport(shown, options);
  }
}

export const sampleTool: Tool<never> = {
  name: 'sample',
  schema,
  optionalHooks: {},
  limits: {},
  alsoOn: {},
  sorts: SAMPLE_SORTS,
  hasEvents: false,
  options: () => ({}),
  mapSizes: () => ({}),
  look: (tables) => new SampleLook(tables),
};
