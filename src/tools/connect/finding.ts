/** The sentences at the end of a report. */
import { formatDuration } from '../../render/format.js';
import type { By, Outcome, Pending } from './model.js';
import { endpointText } from './nets.js';
import { failedOf, OUTCOME_NAMES, type ConnectTotals } from './rows.js';

const UNSENT: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'no local port is left, or the local address is none of this machine',
  ENETUNREACH: 'there is no route',
  EHOSTUNREACH: 'the routes of this machine say that there is no way',
  EACCES: 'it is a broadcast address, or a rule of this machine forbids it',
  EPERM: 'a program on its cgroup, or a security module, forbids it',
};

/** Errors of attempts that ended so, the most frequent first. */
const errorsBy = (outcome: Outcome, { causes }: ConnectTotals): string[] => [...causes].sort(([, a], [, b]) => b - a).flatMap(([cause]) => (cause.startsWith(`${outcome} `) ? [cause.slice(outcome.length + 1)] : []));

/** What a bad end means, and what to do about it. */
const MEANINGS: Readonly<Record<string, (totals: ConnectTotals) => string>> = {
  refused: () => 'nothing listens there, or a firewall says so',
  timedOut: () => 'nobody answers: the host is down, or something drops the packets',
  unreachable: (totals) => (errorsBy('unreachable', totals).every((error) => error === 'ENETUNREACH') ? 'there is no route' : 'the host does not answer on its network, or a router says no'),
  gaveUp: ({ gaveUpNs }) => `the program closed the socket before it was connected${gaveUpNs > 0 ? `, after ${formatDuration(gaveUpNs)} at most` : ''}`,
  unsent: (totals) => {
    const errors = errorsBy('unsent', totals);
    return (errors.length === 1 ? UNSENT[errors[0] ?? ''] : undefined) ?? (errors.join(', ') || 'error not known');
  },
};

const WORDS: Readonly<Record<string, string>> = { refused: 'refused', timedOut: 'timed out', unreachable: 'was unreachable', gaveUp: 'was given up', unsent: 'failed before the first packet', failed: 'failed' };

function failing(totals: ConnectTotals): string {
  const [outcome = '', count = 0] = failuresOf(totals)[0] ?? [];
  const meaning = MEANINGS[outcome]?.(totals);
  return `${totals.key} ${WORDS[outcome] ?? outcome} ${count} of ${totals.attempts}${meaning === undefined ? '' : `: ${meaning}`}.`;
}

const failuresOf = ({ outcomes }: ConnectTotals): [name: string, count: number][] => [...outcomes].filter(([name]) => name !== 'connected').sort(([, a], [, b]) => b - a);
const outcomesOf = (totals: ConnectTotals): string => failuresOf(totals).map(([name, count]) => `${OUTCOME_NAMES[name as Outcome]} ${count}`).join(', ');

function allWell(rows: readonly ConnectTotals[]): string[] {
  const slowest = rows.reduce<ConnectTotals | undefined>((most, each) => (each.longestNs > (most?.longestNs ?? 0) ? each : most), undefined);
  const attempts = rows.reduce((sum, each) => sum + each.attempts, 0);
  return slowest ? [`None of ${attempts} attempts failed; the longest took ${formatDuration(slowest.longestNs)}: ${slowest.key}.`] : [];
}

const LONG_NS = 1e9;

export function findingOf(rows: readonly ConnectTotals[], pending: readonly Pending[], by: By): string[] {
  const [oldest] = pending;
  const bad = rows.filter((totals) => failedOf(totals) > 0).slice(0, 2);
  const stuck = oldest && oldest.ageNs >= LONG_NS ? [`${oldest.thread} (${oldest.pid}) has been connecting to ${endpointText(oldest)} for ${oldest.beforeTracing ? 'more than ' : ''}${formatDuration(oldest.ageNs)}.`] : [];
  if (bad.length === 0) return [...stuck, ...allWell(rows)];
  return [...stuck, ...(by === 'dest' ? bad.map(failing) : bad.map((totals) => `${totals.key}: ${failedOf(totals)} of ${totals.attempts} attempts failed (${outcomesOf(totals)}).`))];
}
