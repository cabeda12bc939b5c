import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { KtraceError } from '../../src/errors.js';
import { findCgroup } from '../../src/source/cgroup.js';

const mount = readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2')?.[1];
const ID = '3f2a9c0d5e6b3f2a9c0d5e6b3f2a9c0d5e6b3f2a9c0d5e6b3f2a9c0d5e6b77aa';

function failure(text: string): KtraceError {
  try {
    findCgroup(text);
  } catch (error) {
    if (error instanceof KtraceError) return error;
    throw error;
  }
  throw new Error(`${text} was found`);
}

/** Why no cgroup can be made here. */
function notWritable(): string | false {
  if (mount === undefined) return 'no cgroup v2 is mounted';
  try {
    mkdirSync(join(mount, 'ktrace-test-probe'));
    rmdirSync(join(mount, 'ktrace-test-probe'));
    return false;
  } catch (error) {
    return `no cgroup can be made here: ${(error as Error).message}`;
  }
}

if (mount === undefined) {
  t.test('without cgroup v2 the error says how to get it', (t) => {
    t.match(failure('x'), { code: 'CGROUP', hint: /mount -t cgroup2/ });
    t.end();
  });
} else {
  t.test('what is no cgroup is an error that says what to give', (t) => {
    for (const text of ['no-such-cgroup', '/no/such/cgroup', '../../../etc', '/etc', `${mount}/../`, `${mount}/cgroup.procs`, `${mount}x`, '\0', 'a\0b']) {
      t.match(failure(text), { code: 'CGROUP', hint: /cgroup v2 mount.*container id/ }, JSON.stringify(text));
    }
    t.match(failure('0123456789abcdef'), { code: 'CGROUP', message: /container 0123456789abcdef/ });
    t.end();
  });

  t.test('the root of the tree is level 0', (t) => {
    t.strictSame(findCgroup('/'), { path: mount, id: statSync(mount, { bigint: true }).ino, level: 0 });
    t.strictSame(findCgroup(mount), findCgroup('/'));
    t.end();
  });
}

t.test('a cgroup is found by its path from the mount, by its whole path, and by the container it holds', { skip: notWritable() }, (t) => {
  const top = join(mount ?? '', `ktrace-test-${process.pid}`);
  const scope = join(top, 'machine.slice', `docker-${ID}.scope`);
  const made = [top, dirname(scope), scope, join(scope, 'payload')];
  for (const path of made) mkdirSync(path);
  t.teardown(() => made.toReversed().forEach((path) => existsSync(path) && rmdirSync(path)));
  const relative = scope.slice((mount ?? '').length + 1);
  const wanted = { path: scope, id: statSync(scope, { bigint: true }).ino, level: 3 };
  for (const text of [scope, `${scope}/`, relative, `/${relative}`, join(scope, 'payload', '..'), ID, ID.slice(0, 12)]) t.strictSame(findCgroup(text), wanted, text);
  t.equal(findCgroup(join(scope, 'payload')).level, 4);
  t.match(failure(ID.slice(4, 20)), { code: 'CGROUP' }, 'an id counts from its beginning');
  t.end();
});
