import fc from 'fast-check';
import t from 'tap';
import { nameOf, commandLine } from '../../../src/tools/exec/names.js';
import { absolute, joinParts, readText } from '../../../src/tools/exec/text.js';
import { containerOf, podOf } from '../../../src/tools/container.js';
import { textOf } from './events.js';

const shallow = { deep: false };

t.test('a text is read as it was put together', (t) => {
  t.strictSame(readText(textOf({ path: './run.sh', interpreter: '/bin/sh', directory: ['app', 'srv'], file: ['dash', 'bin', 'usr'], cgroup: ['a.scope', 'system.slice'], argv: ['/bin/sh', './run.sh', ''] }), shallow), {
    path: './run.sh', interpreter: '/bin/sh', directory: '/srv/app', file: '/usr/bin/dash', cgroup: '/system.slice/a.scope', argv: ['/bin/sh', './run.sh', ''], cutWithin: false,
  });
  t.match(readText(textOf({ directory: [], cgroup: [] }), shallow), { interpreter: '', directory: '/', cgroup: '/' });
  t.equal(readText(textOf({ file: ['memfd:x'] }), shallow).file, 'memfd:x');
  const long = Array.from({ length: 30 }, (_, i) => `d${i}`);
  t.match(readText(textOf({ file: long }), { deep: true }).file, /^\.\.\.\/d29\/.*\/d0$/);
  t.end();
});

t.test('whatever is cut off, what is left is read, and nothing is made up', (t) => {
  const whole = textOf({ argv: ['git', 'log', 'äöü'] });
  for (let length = 0; length <= whole.length; length++) {
    const { argv, cutWithin } = readText(whole.subarray(0, length), shallow);
    t.ok(argv.every((word, i) => ['git', 'log', 'äöü'][i] === word || (i === argv.length - 1 && cutWithin)), `${length} bytes`);
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), fc.boolean(), (bytes, deep) => typeof readText(bytes, { deep }).path === 'string'), { numRuns: 10_000 });
  t.end();
});

t.test('parts are put together up to the first that is missing', (t) => {
  const [a, b] = [Uint8Array.of(1, 2), Uint8Array.of(3)];
  t.strictSame(joinParts([a, b], 3), { bytes: Uint8Array.of(1, 2, 3), missing: false });
  t.strictSame(joinParts([a, undefined, b], 9), { bytes: Uint8Array.of(1, 2), missing: true });
  t.end();
});

t.test('a path is made absolute as the kernel would walk it, links aside', (t) => {
  t.equal(absolute('/a//b/../c/.', '/x'), '/a/c');
  t.equal(absolute('./run', '/srv/app'), '/srv/app/run');
  t.equal(absolute('../../../run', '/srv'), '/run');
  t.end();
});

t.test('a process is called by the script that it runs, not by what runs it', (t) => {
  t.equal(nameOf('node', ['/usr/bin/node', '--inspect', '/srv/worker.js', '7']), 'worker.js');
  t.equal(nameOf('bash', ['-bash']), 'bash');
  t.equal(nameOf('sh', ['sh', '-c', 'exec x.sh']), 'sh');
  t.equal(nameOf('bash', ['bash', '-ec', './x.sh']), 'bash');
  t.equal(nameOf('node', ['node', '-r', './hook.js', 'app.js']), 'app.js');
  t.equal(nameOf('python3', ['python3', '-W', 'ignore.x', '-c', 'a.b']), 'python3');
  t.equal(nameOf('perl', ['perl', '-I./lib', '-e', 'system(q(/bin/true;:))']), 'perl');
  t.equal(nameOf('python3', ['python3', '-m', 'http.server']), 'python3');
  t.equal(nameOf('nginx', ['nginx: worker process']), 'nginx');
  t.equal(nameOf('x', []), 'x');
  t.end();
});

t.test('a command line could be typed into a shell', (t) => {
  t.equal(commandLine(['sh', '-c', "echo 'a b'", '']), `sh -c 'echo '\\''a b'\\''' ''`);
  t.equal(commandLine(['a\n\'b']), "$'a\\x0a\\'b'");
  t.end();
});

t.test('containers and pods by their cgroups', (t) => {
  const id = 'ab12'.repeat(16);
  for (const path of [`/system.slice/docker-${id}.scope`, `/docker/${id}`, `/kubepods.slice/kubepods-besteffort.slice/cri-containerd-${id}.scope`, `/docker/${id}/inner`]) t.equal(containerOf(path), id, path);
  for (const path of ['/', '/user.slice/user-0.slice', `/x/${id.slice(1)}`, `/x/${id}0`, `/machine.slice/libpod-conmon-${id}.scope`]) t.equal(containerOf(path), undefined, path);
  t.equal(podOf(`/kubepods.slice/kubepods-burstable-pod12345678_1234_1234_1234_123456789abc.slice/cri-containerd-${id}.scope`), '12345678-1234-1234-1234-123456789abc');
  t.end();
});
