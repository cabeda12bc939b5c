/**
 * Incidents from the kernel log.
 *
 * What is exact is what the kernel wrote: who asked, the limit and the usage in KiB, each row of the table, who was killed with its memory in KiB, the
 * cgroups. It never writes a score, nor the size of what ran out. These are reconstructed: of the machine from its pages (RAM - reserved) and its swap,
 * which is what totalram_pages() + total_swap_pages is; of some nodes from the memory present in them; of a cgroup from its limits, where its swap limit
 * is 0 or the swap of the machine is given. A score is then that of the row, which the kernel wrote right after it had chosen: what runs on meanwhile has
 * grown a little, and from Linux 6.2 to 6.18 (7.2 is exact) the kernel's own count is short by up to a batch of each CPU.
 */
import { containerOf } from '../container.js';
import { Draft } from './draft.js';
import { isNobody, isUnfinished, parseGroup, parseInvoked, parseKilled } from './lines.js';
import type { KernelRecord } from '../contract.js';
import type { Incident, Victim } from './model.js';
import { candidatesOf, missingOf, totalPagesOf, triggerOf, victimsOf } from './reconstruct.js';
import { USUAL_PAGE } from './score.js';

/** What the log does not tell. */
export interface Machine {
  readonly pageSize?: number;
  /** Swap of the machine in bytes, as far as it is what it was then; left out: not known. */
  readonly swapTotal?: number;
  /** A moment of the log's clock, in ns, by the clock on the wall: RFC 3339, UTC. */
  readonly at?: (ns: number) => string;
}

/** A group is killed in one go: what is killed later than this after another one is another incident. */
const GROUP_GAP_US = 250_000;
const MOST_PIECES = 16;

/** The oldest first. Records of others than the kernel, and lines of others in the kernel, are passed over. */
export function incidentsOf(records: readonly KernelRecord[], machine: Machine = {}): Incident[] {
  const drafts: Draft[] = [];
  for (const { timeUs, text } of joined(records)) take(drafts, timeUs, text, machine.pageSize ?? USUAL_PAGE);
  return drafts.filter((draft) => draft.isIncident).map((draft) => incidentOf(draft, machine));
}

interface Line {
  readonly timeUs: number;
  readonly text: string;
}

/** Lines that something else came between are put together again. */
function* joined(records: readonly KernelRecord[]): Generator<Line, void, undefined> {
  let open: { readonly record: KernelRecord; text: string; pieces: number } | undefined;
  for (const record of records) {
    if (record.facility !== 0) continue;
    if (record.continues && open?.record.caller === record.caller) {
      open.text += record.text;
      open.pieces++;
    } else if (!isUnfinished(record.text)) {
      yield record;
      continue;
    } else {
      open = { record, text: record.text, pieces: 1 };
    }
    if (isUnfinished(open.text) && open.pieces < MOST_PIECES) continue;
    yield { timeUs: open.record.timeUs, text: open.text };
    open = undefined;
  }
}

/** The OOM killer runs once at a time (oom_lock): what it writes is of the last incident, unless it says that another one has begun. */
function take(drafts: Draft[], timeUs: number, text: string, pageSize: number): void {
  const begin = (): Draft => {
    const draft = new Draft(timeUs);
    drafts.push(draft);
    return draft;
  };
  const last = drafts.at(-1);
  const invoked = parseInvoked(text);
  if (invoked) {
    begin().invoked = invoked;
    return;
  }
  const killed = parseKilled(text);
  if (killed) {
    (last && !last.over && belongs(last, killed.pid, timeUs) ? last : begin()).kill(killed, timeUs);
    return;
  }
  const group = parseGroup(text);
  if (group !== undefined && last) {
    const killer = last.group === null ? last : moved(last, begin);
    killer.group = group;
    return;
  }
  if (isNobody(text)) {
    (last && !last.over && last.kills.length === 0 ? last : begin()).over = true;
    return;
  }
  if (text.startsWith('oom-kill:') && (!last || last.over || last.summary || last.kills.length > 0)) begin().note(text, pageSize);
  else if (last && !last.over && last.kills.length === 0) last.note(text, pageSize);
}

/** Whether a kill is of an incident. Without the table, the time decides. */
function belongs(draft: Draft, pid: number, timeUs: number): boolean {
  const listed = draft.tasks.length === 0 ? undefined : draft.taskOf(pid) !== undefined;
  if (draft.kills.length === 0) return listed ?? (draft.summary === undefined || draft.summary.pid === pid);
  return draft.group !== null && listed !== false && timeUs - draft.lastUs < GROUP_GAP_US;
}

/** The last one killed was the first one of another group. */
function moved(draft: Draft, begin: () => Draft): Draft {
  const kill = draft.kills.pop();
  const next = begin();
  if (kill) next.kill(kill.killed, kill.timeUs);
  return next;
}

function incidentOf(draft: Draft, machine: Machine): Incident {
  const { invoked, summary, memory } = draft;
  const { pageSize = USUAL_PAGE } = machine;
  const cgroup = draft.cgroup ?? summary?.cgroup ?? null;
  const time = draft.beganUs * 1000;
  const scale = { totalPages: totalPagesOf(draft, machine), pageSize };
  const candidates = candidatesOf(draft, scale);
  const victims: readonly Victim[] = victimsOf(draft, candidates);
  return {
    time,
    at: machine.at?.(time) ?? null,
    constraint: draft.constraint,
    trigger: triggerOf(draft),
    allocation: (invoked?.order ?? 0) < 0 ? null : draft.stack.allocation, // who asks by sysrq allocates nothing
    gfp: invoked?.gfp ?? [],
    order: invoked?.order ?? null,
    cgroup,
    container: cgroup === null ? null : (containerOf(cgroup) ?? null),
    limit: memory?.limit ?? null,
    usage: memory?.usage ?? null,
    swapLimit: draft.swap?.limit ?? null,
    swapUsage: draft.swap?.usage ?? null,
    totalPages: scale.totalPages,
    stat: draft.stat ?? null,
    victims,
    candidates,
    origin: 'log',
    missing: missingOf(draft, machine, scale.totalPages),
  };
}
