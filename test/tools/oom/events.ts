/** Events of the kernel side, made up. */
import { OomConstraint, OomKind, type OomCandidate, type OomIncident, type OomPlace, type OomVictim } from '../../../src/generated/oom.js';

export const MIB = 2 ** 20;
export const MS = 1e6;

const memory = (mib: number) => ({ anon: mib * MIB, file: MIB, shmem: 0, swap: 0, pageTables: 40 * 4096 });

/** From its last name upwards, as the kernel side reads them. */
export const place = (...names: readonly string[]): OomPlace => ({ id: 7n, unified: 1, deeper: 0, depth: names.length, names: [...names, ...Array<string>(8).fill('')].slice(0, 8).map((text) => ({ text })) });

export const head = (changes: Partial<OomIncident> = {}): OomIncident => ({
  time: 1000 * MS, incident: 1, totalPages: 131_072, usage: 131_072, limit: 131_072, swapUsage: 0, swapLimit: 0, gfp: 0xcc0, order: 0, tgid: 200, tid: 201, lost: 0,
  constraint: OomConstraint.CONSTRAINT_MEMCG, inCgroup: 1, known: 1, comm: 'worker', process: 'node', place: place('app', 'pods'), ...changes,
});

export const mark = (changes: Partial<OomVictim> = {}): OomVictim => ({
  time: 1001 * MS, incident: 1, began: 5, memory: memory(300), tgid: 100, tid: 100, uid: 1000, lost: 0, adj: 0, kind: OomKind.OOM_MARKED, known: 1, dying: 0, comm: 'java', program: { name: 'java' }, place: place('app', 'pods'), ...changes,
});

export const over = (incident = 1): OomVictim => mark({ incident, kind: OomKind.OOM_OVER, tgid: 0, tid: 0, known: 0 });

export const looked = (tgid: number, comm: string, mib: number, changes: Partial<OomCandidate> = {}): OomCandidate => ({
  incident: 1, score: (mib + 1) * 256 + 40, began: 5, memory: memory(mib), tgid, uid: 1000, lost: 0, adj: 0, known: 1, comm, ...changes,
});
