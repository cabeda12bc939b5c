/** What is made of the files that a guest brings back. */
import t from 'tap';

interface Row {
  readonly kernel: string;
  readonly tool: string;
  readonly variant: string;
  readonly result: string;
  readonly why: string;
  readonly skips?: readonly string[];
}

interface Results {
  readonly complaintsOf: (log: string) => string[];
  readonly lacks: (kernel: string, reason: string) => boolean;
  readonly reasonsIn: (tap: string) => string[];
  readonly tapOf: (row: Pick<Row, 'tool' | 'variant'>) => string;
  readonly withSkips: (row: Row, tap: string) => Row;
  readonly wrongSkips: (row: Row) => string[];
  readonly isWhole: (log: string) => boolean;
  readonly parseCoverage: (kernel: string, text: string) => Row[];
  readonly withTable: (page: string, whole: boolean, rows: readonly (readonly string[])[]) => string;
  readonly table: (rows: readonly Row[]) => string;
}

const { complaintsOf, isWhole, lacks, parseCoverage, reasonsIn, table, tapOf, withSkips, withTable, wrongSkips } = (await import(new URL('../../scripts/vm-tests.mjs', import.meta.url).href)) as Results;

t.test('a kernel log that complains is noticed, one that only mentions bugs is not', (t) => {
  const bad = [
    '[   12.1] WARNING: CPU: 1 PID: 44 at kernel/bpf/core.c:120 bpf_prog_free+0x1/0x2',
    '[   12.1] BUG: kernel NULL pointer dereference, address: 0000000000000008',
    '[   12.1] kernel BUG at mm/slub.c:305!',
    '[   12.1] Oops: 0000 [#1] SMP NOPTI',
    '[   12.1] general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP',
    '[   12.1] INFO: task node:44 blocked for more than 120 seconds.',
    '[   12.1] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100',
    '[   12.1] rcu: INFO: rcu_preempt self-detected stall on CPU',
    '[   12.1] UBSAN: array-index-out-of-bounds in kernel/bpf/verifier.c:12:3',
    '[   12.1] ** 17 printk messages dropped **',
  ];
  const fine = [
    '[    1.1] PCI: Using host bridge windows from ACPI; if necessary, use "pci=nocrs" and report a bug',
    '[    1.2] AMD-Vi: AMD IOMMUv2 functionality not available on this system - This is not a bug.',
    '[    1.3] warning: process `x` used the deprecated sysctl system call',
  ];
  t.strictSame(complaintsOf([...bad, ...fine].join('\n')), bad);
  const oom = ['[    2.1] hog invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0', '[    2.1] CPU: 0 PID: 44 Comm: hog', '[    2.1] Call Trace:'];
  t.strictSame(complaintsOf(oom.join('\n')), [], 'the OOM killer writes where it was called from');
  const elsewhere = ['[    3.1] Call Trace:'];
  t.strictSame(complaintsOf([...oom, ...fine, ...fine, ...fine, ...elsewhere].join('\n')), elsewhere, 'and others do');
  t.end();
});

t.test('a kernel log that lacks its beginning or its end is not whole', (t) => {
  const lines = ['[    0.0] Linux version 6.1.0-50-amd64', '[    9.1] random: crng init done', '[   99.9] sysrq: Resetting'];
  t.equal(isWhole(lines.join('\n')), true);
  for (const part of [lines.slice(1), lines.slice(0, -1), []]) t.equal(isWhole(part.join('\n')), false);
  t.end();
});

t.test('a test is skipped for what the kernel lacks, and for nothing else', (t) => {
  const tap = 'ok 1 - x\n    ok 1 - futex_waitv needs Linux 5.16 # SKIP futex_waitv needs Linux 5.16\n    ok 2 - y # SKIP futex_waitv needs Linux 5.16\nok 2 - z # SKIP\n# SKIP is a word\n';
  t.strictSame(reasonsIn(tap), ['futex_waitv needs Linux 5.16', 'without a reason']);
  t.strictSame(['5.10', '5.15', '5.16', '6.1'].map((kernel) => lacks(kernel, 'futex_waitv needs Linux 5.16')), [true, true, false, false]);
  t.strictSame(['5.10', '6.12'].map((kernel) => lacks(kernel, 'futex_wait, futex_wake and futex_requeue need Linux 6.7')), [true, false]);
  t.strictSame(['6.12', '7.2'].map((kernel) => lacks(kernel, 'this kernel preempts programs, and skipped runs in each of 8 tries')), [false, true]);
  for (const reason of ['no bpftrace(8)', 'no cgroup v2 is mounted', 'without a reason', 'load: EPERM']) t.equal(lacks('7.2', reason), false, reason);
  const row = { kernel: '6.12', tool: 'futex', variant: 'together', result: 'pass', why: '9 passed, 0 failed, 1 skipped' };
  t.strictSame([tapOf(row), tapOf({ tool: '-', variant: '-' })], ['futex-together.tap', 'rest.tap']);
  t.strictSame(wrongSkips(withSkips(row, 'build/futex-together.tap:    ok 2 - y # SKIP it needs Linux 6.13\n')), []);
  for (const [tap, reason] of [['ok 2 - y # SKIP it needs Linux 5.16', 'it needs Linux 5.16'], ['ok 2 - y', 'without a reason']] as const) t.strictSame(wrongSkips(withSkips(row, tap)), [`futex together: skipped, though this kernel lacks nothing of it: ${reason}`]);
  t.strictSame(wrongSkips(withSkips({ ...row, why: '10 passed, 0 failed, 0 skipped' }, 'ok 2 - y')), []);
  t.equal(table([{ kernel: '5.10', tool: 'futex', variant: 'fentry', result: 'pass', why: '9 passed, 0 failed, 1 skipped', skips: ['a | b'] }]).split('\n')[1], '5.10    futex  fentry   pass: 9 passed, 0 failed, 1 skipped (a \\| b)');
  t.end();
});

t.test('coverage is one row for each kernel, tool and variant, with its reason', (t) => {
  const rows = parseCoverage('6.1', 'futex\tfentry\tpass\t12 passed, 0 failed, 0 skipped\nfutex\tkprobe\tskip\tthere is none\n');
  t.strictSame(rows, [
    { kernel: '6.1', tool: 'futex', variant: 'fentry', result: 'pass', why: '12 passed, 0 failed, 0 skipped' },
    { kernel: '6.1', tool: 'futex', variant: 'kprobe', result: 'skip', why: 'there is none' },
  ]);
  t.strictSame(table(rows).split('\n'), ['kernel  tool   variant  result', '6.1     futex  fentry   pass: 12 passed, 0 failed, 0 skipped', '6.1     futex  kprobe   skip: there is none']);
  t.strictSame(parseCoverage('6.1', ''), []);
  t.end();
});

t.test('the page gets the rows of the kernels that ran, in the table of that form, and keeps those of others', (t) => {
  const page = (short: string, whole: string): string => {
    const of = (words: string, rows: string): string => `<!-- written by npm run test:vm --${words} -->\n| kernel | tool | variant | result |\n| --- | --- | --- | --- |\n${rows}<!-- end -->\n`;
    return `before\n${of(' --write', short)}between\n${of(' --whole --write', whole)}after\n`;
  };
  const old = '| 5.10.0-1-amd64 | futex | fentry | pass: 1 |\n| 6.1.0-1-amd64 | futex | fentry | pass: 1 |\n| 6.1.0-1-amd64 |  |  | 2026-01-01: 6 guests |\n';
  const rows = [['6.12.3-amd64', 'exec', 'kprobe', 'pass: 3'], ['6.1.0-2-amd64', 'futex', 'fentry', 'pass: 2'], ['6.1.0-2-amd64', '', '', '2026-01-02: 6 guests']];
  const renewed = '| 5.10.0-1-amd64 | futex | fentry | pass: 1 |\n| 6.1.0-2-amd64 | futex | fentry | pass: 2 |\n| 6.1.0-2-amd64 |  |  | 2026-01-02: 6 guests |\n| 6.12.3-amd64 | exec | kprobe | pass: 3 |\n';
  t.equal(withTable(page(old, old), false, rows), page(renewed, old));
  t.equal(withTable(page(old, old), true, rows), page(old, renewed));
  t.equal(withTable(page(old, ''), true, rows.slice(1)), page(old, renewed.split('\n').slice(1, 3).join('\n') + '\n'));
  const part = ['6.1.0-3-amd64', 'futex', 'fentry', '2026-01-03: pass: 4'];
  t.equal(withTable(page(old, old), true, [part]), page(old, old.replace('| 6.1.0-1-amd64 | futex | fentry | pass: 1 |', `| ${part.join(' | ')} |`)), 'one of its parts');
  const mixed = [['6.1', '', '', 'all'], ['6.1', '-', '-', 'rest'], ['6.1', 'oom', 'log', 'x'], ['5.10', 'oom', 'log', 'x'], ['6.1', 'exec', 'kprobe', 'x'], ['6.1', 'exec', 'fentry', 'x']];
  t.equal(withTable(page('', ''), true, mixed), page('', [3, 4, 5, 2, 1, 0].map((i) => `| ${mixed[i]?.join(' | ')} |\n`).join('')), 'by kernel and tool, however the parts came');
  t.throws(() => withTable('a page without', false, rows), /no place for the table/);
  t.end();
});
