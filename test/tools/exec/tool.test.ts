import t from 'tap';
import type { Filters, Own } from '../../../src/tools/contract.js';
import { execTool } from '../../../src/tools/exec/tool.js';

const NONE: Filters = { pids: [], tids: [], comms: [], cgroup: undefined, minWaitNs: 0, launched: false, follow: false };
const options = (own: Own, filters: Partial<Filters> = {}): object => execTool.options({ filters: { ...NONE, ...filters }, own, events: false, endsMissed: false, machine: 'x64', cpus: 2 });

t.test('what says nothing, or contradicts itself, is refused with the next step', (t) => {
  const refused = (own: Own, filters: Partial<Filters>, message: RegExp, hint: RegExp): unknown => t.throws(() => options(own, filters), { code: 'USAGE', message, hint });
  refused({ summary: true, failed: true }, {}, /report has failed execs in any case/, /leave out --failed/);
  refused({ summary: true, live: true }, {}, /either programs as they begin or the report/, /one of --live and --summary/);
  refused({}, { tids: [5] }, /thread/, /--pid/);
  refused({}, { minWaitNs: 1 }, /no waits/, /--alert/);
  refused({ uid: Array.from({ length: 17 }, (_, i) => i) }, {}, /More than 16 users/, /./);
  refused({ path: '(' }, {}, /\( in --path is no regular expression/, /./);
  for (const own of [{}, { summary: true }, { failed: true }, { live: true, failed: true }]) t.ok(options(own));
  t.end();
});
