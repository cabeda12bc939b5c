/** What the workloads of `ktrace futex` print about themselves, and its report as JSON. */
import type { AttachAttempt, Histogram, Loss, Share, Tally } from '../../src/report/model.js';

// What the programs print; each prints a part of it, see test/workloads/README.md.

export interface Times {
  readonly waits: number;
  readonly totalNs: number;
  readonly maxNs: number;
  readonly p99Ns: number;
}

export interface ThreadTruth {
  readonly tid: number;
  readonly name: string;
  readonly nameHex: string;
  readonly waits: number;
}

export interface DuelTruth extends Times {
  readonly pid: number;
  readonly name: string;
  readonly address: string;
  readonly acquisitions: number;
  readonly locks: readonly { readonly address: string; readonly name: string; readonly waits: number }[];
  readonly threads: readonly ThreadTruth[];
  readonly holder: number;
}

export interface StepTruth {
  readonly op: string;
  readonly number: number;
  readonly outcome: string;
  readonly exit: number;
  readonly count: number;
}

export interface Truth extends Omit<DuelTruth, 'locks'> {
  readonly program: string;
  readonly locks: readonly DuelTruth[];
  readonly timeouts: number;
  readonly timeoutsNs: number;
  readonly eagain: number;
  readonly wakes: number;
  readonly woken: number;
  readonly inFlight: number;
  readonly impatient: number;
  readonly bystander: number;
  readonly object: string;
  readonly idleObject: string;
  readonly idleFutex: string;
  readonly condition: string;
  readonly requeued: number;
  readonly first: string;
  readonly second: string;
  readonly joined: readonly { readonly tid: number; readonly address: string }[];
  readonly processes: readonly DuelTruth[];
  readonly lives: readonly (DuelTruth & { readonly firstUseNs: number; readonly lastUseNs: number })[];
  readonly cycle: readonly { readonly pid?: number; readonly tid: number; readonly name: string; readonly waitsFor: string; readonly futex: string; readonly owner: number; readonly ownerName: string }[];
  readonly steps: readonly StepTruth[];
  readonly consequences: readonly StepTruth[];
  readonly restarted: number;
  readonly waitsBegun: number;
  readonly begunNs: number;
  readonly readyNs: number;
  readonly toldNs: number;
  readonly endedNs: number;
  readonly inode: number;
  readonly offset: number;
  readonly skip?: string;
}

export interface ExecerTruth {
  readonly pid: number;
  readonly first: { readonly address: string; readonly waits: number; readonly totalNs: number; readonly holder: number; readonly waiter: number; readonly executedBy: number };
  readonly killedInWait: number;
  readonly second: DuelTruth;
}

// The report as JSON.

export interface LockRow {
  readonly place: string;
  readonly kind: string;
  readonly sure: string;
  readonly acquisitions: number;
  readonly sleeps: number;
  readonly total: number;
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
  readonly share: number | null;
  readonly holders: readonly Share[];
  readonly releasers: readonly Share[];
  readonly waiters: readonly Share[];
  readonly outcomes: readonly Tally[];
  readonly mostWaiting: number;
  readonly histogram: Histogram;
  readonly address: string;
  readonly shared: string;
  readonly pids: string;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly wakeCalls: number;
  readonly moved: number;
  readonly preexisting: number;
  readonly inFlight: number;
}

export interface WaitRow {
  readonly thread: string;
  readonly tid: number;
  readonly pid: number;
  readonly age: number;
  readonly place: string;
  readonly kind: string;
  readonly holder: string;
  readonly holderTid: number;
  readonly op: string;
  readonly beforeTracing: string;
  readonly designed: string;
}

export interface DeadlockRow {
  readonly thread: string;
  readonly tid: number;
  readonly pid: number;
  readonly waitsFor: string;
  readonly address: string;
  readonly kind: string;
  readonly age: number;
  readonly cycle: number;
}

export interface CallRow {
  readonly op: string;
  readonly calls: number;
  readonly woken: number;
  readonly timedOut: number;
  readonly neverSlept: number;
  readonly interrupted: number;
  readonly errors: number;
  readonly threads: number;
}

export interface ProcessRow {
  readonly name: string;
  readonly pid: number;
  readonly threads: number;
  readonly locks: number;
  readonly sleeps: number;
  readonly total: number;
}

interface SectionOf<R> {
  readonly title: string;
  readonly rows: readonly R[];
  readonly hiddenRows: number;
  readonly story: readonly string[];
  readonly empty: string | null;
}

export interface FutexReport {
  readonly type?: 'report';
  readonly schemaVersion: 1;
  readonly header: {
    readonly tool: string;
    readonly target: string;
    readonly variant: string;
    readonly durationNs: number;
    readonly filters: readonly string[];
    readonly attempts: readonly AttachAttempt[];
    readonly limits: readonly string[];
    readonly settled: boolean;
    readonly intervalNs: number | null;
    readonly accounting: { readonly hits: number; readonly aggregated: number; readonly inFlight: number; readonly filtered: number; readonly dropped: number };
  };
  readonly losses: readonly Loss[];
  readonly sections: {
    readonly deadlocks: SectionOf<DeadlockRow>;
    readonly locks: SectionOf<LockRow>;
    readonly inFlight: SectionOf<WaitRow>;
    readonly idle: SectionOf<LockRow>;
    readonly processes: SectionOf<ProcessRow>;
    readonly calls: SectionOf<CallRow>;
  };
  readonly finding: readonly string[];
  readonly next: readonly string[];
}
