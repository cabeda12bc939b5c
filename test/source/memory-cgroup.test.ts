import t from 'tap';
import { cgroupIn, cgroupsAbove, findMemoryCgroup, memoryMount, memoryMountIn, processesIn } from '../../src/source/memory-cgroup.js';

const V1 = 'cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\ncgroup /a\\040b/memory cgroup rw,relatime,memory 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n';
const V2 = 'proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n';

t.test('the hierarchy that has the memory controller', (t) => {
  t.strictSame(memoryMountIn(V1, () => ''), { path: '/a b/memory', version: 1 }, 'version 1, with an empty version 2 beside it');
  t.strictSame(memoryMountIn(V2, (path) => (path === '/sys/fs/cgroup' ? 'cpuset cpu io memory pids' : undefined)), { path: '/sys/fs/cgroup', version: 2 });
  t.equal(memoryMountIn(V2, () => 'cpu io'), undefined);
  t.equal(memoryMountIn('', () => 'memory'), undefined);
  t.end();
});

t.test('the cgroup of a process, of either version', (t) => {
  const [v1, v2] = [{ path: '/m', version: 1 }, { path: '/u', version: 2 }] as const;
  const text = '4:memory:/a:b/c\n3:cpuset,cpu:/x\n0::/u1\n';
  t.equal(cgroupIn(text, v1)?.path, '/a:b/c');
  t.equal(cgroupIn(text, v2)?.path, '/u1');
  t.equal(cgroupIn('0::/\n', v1), undefined);
  t.equal(cgroupIn('', v2), undefined);
  t.strictSame(cgroupsAbove({ mount: v2, path: '/a/b/c' }).map(({ path }) => path), ['/a/b', '/a', '/']);
  t.strictSame(cgroupsAbove({ mount: v2, path: '/' }), []);
  t.end();
});

t.test('a cgroup that is not there is an error', { skip: memoryMount() ? false : 'no memory controller is mounted' }, (t) => {
  t.throws(() => findMemoryCgroup('no/such/cgroup'), { code: 'CGROUP', hint: /memory controller/ });
  t.throws(() => findMemoryCgroup('0123456789abcdef'), { code: 'CGROUP', message: /container 0123456789abcdef/ });
  const root = findMemoryCgroup('/');
  t.equal(root.path, '/');
  t.ok(processesIn(root).includes(process.pid), 'the root holds all');
  t.strictSame(processesIn({ ...root, path: '/no-such' }), []);
  t.end();
});
