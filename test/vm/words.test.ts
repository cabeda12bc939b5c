/** The commands about virtual machines, with words that they do not know: one line, and nothing is built, fetched or started. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';

const root = join(import.meta.dirname, '../..');
const listed = (script: string): string => spawnSync(join(root, script), ['--list'], { encoding: 'utf8' }).stdout.trim().replaceAll('\n', ', ');
const KERNELS = listed('scripts/vm-kernel');
const PARTS = listed('scripts/vm-suite');
const WRONG: readonly (readonly [readonly string[], number, string])[] = [
  [['node', 'scripts/vm-tests.mjs', '--kernel', '9.9'], 1, `vm-tests: 9.9 is none of ${KERNELS}`],
  [['node', 'scripts/vm-tests.mjs', '--kernel', '6.1', '--kernel', ''], 1, `vm-tests: '' is none of ${KERNELS}`],
  [['node', 'scripts/vm-tests.mjs', '--part', 'futex', '--part', 'futex:kprobe'], 1, `vm-tests: futex:kprobe is none of ${PARTS}`],
  [['node', 'scripts/vm-tests.mjs', '--kernal'], 1, "vm-tests: Unknown option '--kernal'"],
  [['node', 'scripts/vagrant-tests.mjs', '6.1', '9.9'], 1, `vagrant-tests: 9.9 is none of ${KERNELS}`],
  [['scripts/vm-kernel', '9.9'], 2, `vm-kernel: no kernel 9.9; there are ${KERNELS.replaceAll(',', '')}`],
  [['scripts/vm', '--kernel', '9.9', '--', 'true'], 2, `vm: no kernel 9.9; there are ${KERNELS.replaceAll(',', '')}`],
];

for (const [[program = '', ...args], status, line] of WRONG) {
  t.test([program, ...args].join(' '), (t) => {
    const ran = spawnSync(program, args, { cwd: root, encoding: 'utf8' });
    t.strictSame([ran.status, ran.stdout, ran.stderr], [status, '', `${line}\n`]);
    t.end();
  });
}
