import t from 'tap';
import { FutexOp, FutexOutcome, type FutexEvent } from '../../../src/generated/futex.js';
import type { Processes, Tables } from '../../../src/tools/contract.js';
import { FutexLook } from '../../../src/tools/futex/look.js';
import type { FutexSnapshot, Wait } from '../../../src/tools/futex/model.js';
import type { FutexEventRecord } from '../../../src/tools/futex/events.js';
import { MAPPINGS, OPTIONS, PID, PROGRAM, calls, counters, key, lockRow, mutexMemory, mutexWait, part, threads, type LockRow } from './snapshots.js';

const HERE = PROGRAM + 0x8100n;

/** A kernel and a /proc to look at, and how often that was done. */
class World implements Tables, Processes {
  waits: readonly Wait[] = [];
  locks: readonly LockRow[] = [];
  parts: FutexSnapshot['parts'] = [];
  pending: FutexEvent[] = [];
  alive = true;
  zombies: readonly number[] = [];
  calls = counters().calls;
  clock = 1e9;
  readonly asked = { mappings: 0, memory: 0, seeded: 0 };
  readonly words = new Map<bigint, ReturnType<typeof mutexMemory>>();

  rows<K, V>(map: string): { key: K; values: readonly V[] }[] {
    const single = (list: readonly { readonly key: unknown; readonly value: unknown }[]): unknown => list.map((row) => ({ key: row.key, values: [row.value] }));
    const byId = (list: ReadonlyMap<number, unknown>): unknown => [...list].map(([id, value]) => ({ key: { value: id }, values: [value] }));
    const found: Readonly<Record<string, unknown>> = {
      locks: single(this.locks), parts: single(this.parts), threads: byId(threads([PID, 'server'], [PID + 1, 'worker'])), processes: byId(new Map([[PID, { exitedThreadNs: 0, threads: 2 }]])),
      calls: this.calls.map((slot, i) => ({ key: { value: i }, values: [slot, slot] })),
    };
    return found[map] as { key: K; values: readonly V[] }[];
  }

  counters(map: string): number[] {
    return map === 'drops' ? [...counters().drops] : [0];
  }

  iterate<T>(program: string): T[] {
    if (program.startsWith('seed')) {
      this.asked.seeded++;
      return [];
    }
    return this.waits as T[];
  }

  drain<T>(): { events: T[]; full: boolean } {
    const events = this.pending as T[];
    this.pending = [];
    return { events, full: false };
  }

  mappings(): readonly (typeof MAPPINGS)[number][] | undefined {
    this.asked.mappings++;
    return this.alive ? MAPPINGS : undefined;
  }

  memory(_pid: number, address: bigint, length: number): Uint8Array | null {
    this.asked.memory++;
    const found = this.words.get(address + 48n);
    return found && this.alive && length === 96 ? found.bytes : null;
  }

  descriptor(): undefined {
    return undefined;
  }

  cgroup(): undefined {
    return undefined;
  }

  denied(): readonly number[] {
    return [];
  }

  commandLine(): undefined {
    return undefined;
  }

  hostName(): undefined {
    return undefined;
  }

  isZombie(pid: number): boolean {
    return this.zombies.includes(pid);
  }

  kernelLog(): undefined {
    return undefined;
  }

  residentMemory(): ReadonlyMap<number, number> {
    return new Map();
  }

  machineMemory(): ReturnType<Processes['machineMemory']> {
    return { available: null, swapFree: null, swapTotal: null, promised: null, total: null, overcommit: null, pressure: null };
  }

  began(): undefined {
    return undefined;
  }

  cgroupState(): undefined {
    return undefined;
  }

  wallTime(ns: number): string {
    return new Date(ns / 1e6).toISOString();
  }

  now(): number {
    return this.clock;
  }
}

/** Two threads that wait for each other, and the memory that says so. */
function deadlocked(world: World): void {
  const [one, two] = [PID, PID + 1];
  world.words.set(HERE, mutexMemory(two));
  world.words.set(HERE + 64n, mutexMemory(one));
  world.waits = [mutexWait(one, HERE, two), mutexWait(two, HERE + 64n, one)];
}

function looking(): { world: World; look: FutexLook } {
  const world = new World();
  const look = new FutexLook(world, world);
  look.begin();
  return { world, look };
}

const EVENT: FutexEvent = {
  lock: key(HERE), end: 12e9, waitNs: 3e6, sleepNs: 1e6, uaddr: HERE, tgid: PID, tid: PID + 1, op: 0, outcome: FutexOutcome.FUTEX_WOKEN, error: 0, holder: 0, wakerTid: 0, wakerTgid: 0, comm: 'worker',
  wakerComm: '', lost: 0,
};

const storyOf = (look: FutexLook): readonly string[] => look.report(OPTIONS, false).sections.find(({ id }) => id === 'deadlocks')?.story ?? [];

t.test('looking begins with the threads that are there', (t) => {
  t.equal(looking().world.asked.seeded, 1);
  t.end();
});

t.test('a leader that is dead and not reaped was in flight at the end, and waits for nothing, whatever saw it die', (t) => {
  const { world, look } = looking();
  world.waits = [mutexWait(PID, HERE, PID + 1, { sleeping: 0 }), mutexWait(PID + 1, HERE, PID, { sleeping: 0 })];
  const told = (): readonly [unknown, number | undefined] => {
    const { header, sections } = look.report(OPTIONS, false);
    return [sections.find(({ id }) => id === 'inFlight')?.rows.map(({ tid }) => tid).sort(), header.accounting.inFlight];
  };
  t.strictSame(told(), [[PID, PID + 1], 2], 'woken, and running');
  world.zombies = [PID];
  t.strictSame(told(), [[PID + 1], 2]);
  t.end();
});

t.test('a deadlock is believed at the second sight, and the first asks for that soon', (t) => {
  const { world, look } = looking();
  t.equal(look.tick(), false, 'nothing to see');
  deadlocked(world);
  t.equal(look.tick(), true, 'a suspicion: look again soon');
  t.equal(look.tick(), false, 'now it is known');
  t.match(storyOf(look)[0], /^worker|^thread-\d+ \(4242\) waits for mutex server\+0x8100, held by/);
  t.end();
});

t.test('one look alone makes no deadlock, the report\'s own look included', (t) => {
  const { world, look } = looking();
  deadlocked(world);
  t.strictSame(storyOf(look), []);
  t.not(storyOf(look).length, 0, 'the second report has seen it twice');
  t.end();
});

t.test('a deadlock is still told when its process is gone', (t) => {
  const { world, look } = looking();
  deadlocked(world);
  look.tick();
  look.tick();
  world.alive = false;
  world.waits = [];
  t.match(storyOf(look)[0], /server\+0x8100/);
  t.end();
});

t.test('the memory at a word is read once a look, however many threads wait there', (t) => {
  const { world, look } = looking();
  world.words.set(HERE, mutexMemory(PID));
  world.waits = Array.from({ length: 500 }, (_, i) => mutexWait(PID + 10 + i, HERE, PID));
  look.tick();
  t.ok(world.asked.memory <= 2, `${world.asked.memory} reads`);
  t.end();
});

t.test('no more than so many words are read in one look', (t) => {
  const { world, look } = looking();
  world.waits = Array.from({ length: 20_000 }, (_, i) => mutexWait(i + 1, HERE + BigInt(64 * i), 0));
  look.tick();
  t.ok(world.asked.memory <= 2 * 4096, `${world.asked.memory} reads`);
  t.end();
});

t.test('events have the names of their places, and do not read them again and again', (t) => {
  const { world, look } = looking();
  const records: FutexEventRecord[] = [];
  for (let batch = 0; batch < 200; batch++) {
    world.pending = [EVENT, EVENT];
    records.push(...look.events().events);
  }
  t.equal(records.length, 400);
  t.ok(records.every(({ lock }) => lock === 'server+0x8100'));
  t.ok(world.asked.mappings <= 3, `/proc/PID/maps was read ${world.asked.mappings} times for 200 batches`);
  t.end();
});

t.test('what was mapped later is found, too', (t) => {
  const { world, look } = looking();
  world.alive = false;
  world.pending = [EVENT];
  t.equal(look.events().events[0]?.lock, `0x${HERE.toString(16)}`);
  world.alive = true;
  world.clock += 2e9;
  look.tick();
  world.waits = [mutexWait(PID, HERE, 0)];
  look.tick();
  world.pending = [EVENT];
  t.equal(look.events().events[0]?.lock, 'server+0x8100');
  t.end();
});

t.test('a process that is gone keeps the names it had', (t) => {
  const { world, look } = looking();
  world.locks = [lockRow(HERE, { took: [[1, 1000]] })];
  const place = (): unknown => look.report(OPTIONS, false).sections.find(({ id }) => id === 'locks')?.rows[0]?.['place'];
  t.equal(place(), 'server+0x8100');
  world.alive = false;
  t.equal(place(), 'server+0x8100');
  t.end();
});

t.test('interval reports count from the last report, whole ones from the start', (t) => {
  const { world, look } = looking();
  const row = (n: number): LockRow => lockRow(HERE, { took: [[n, 1000]] });
  const waits = (interval: boolean): unknown => look.report(OPTIONS, interval).sections.find(({ id }) => id === 'locks')?.rows[0]?.['acquisitions'];
  world.locks = [row(3)];
  world.parts = [part(row(3), 'waiter', PID, { sleeps: 3 })];
  t.equal(waits(true), 3, 'the first interval began with tracing');
  world.locks = [row(5)];
  t.equal(waits(true), 2);
  t.equal(waits(true), undefined, 'nothing since');
  world.locks = [row(9)];
  t.equal(waits(false), 9);
  t.equal(waits(true), undefined, 'a whole report is a report');
  t.end();
});

t.test('counters of several CPUs are summed', (t) => {
  const { world, look } = looking();
  world.calls = calls([FutexOp.FUTEX_OP_WAKE, 0, [3], 5]);
  const report = look.report({ ...OPTIONS, verbose: true }, false);
  t.strictSame(report.header.accounting, { hits: 6, aggregated: 6, inFlight: 0, filtered: 0, dropped: 0 });
  t.match(report.sections.find(({ id }) => id === 'calls')?.rows, [{ op: 'FUTEX_WAKE', calls: 6, woken: 6, threads: 10 }]);
  t.end();
});
