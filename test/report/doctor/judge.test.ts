/** Each line of `ktrace doctor` in each of its states. */
import t from 'tap';
import type { DoctorFacts, OwnFile } from '../../../src/report/doctor/facts.js';
import { diagnose } from '../../../src/report/doctor/judge.js';
import type { State } from '../../../src/report/doctor/model.js';
import { DENIED, finding, machine, ROOT, TRIALS, USER } from './facts.js';

const file = (mode: number, uid = 0, gid = 0, path = '/opt/k trace', of: OwnFile['of'] = 'package'): Partial<DoctorFacts> => ({ root: '/opt/k trace', files: [{ path, of, uid, gid, mode } satisfies OwnFile] });
/** A link of somebody's that leads to ktrace, in a directory of that mode. */
const link = (directory: string, mode: number, uid: number): Partial<DoctorFacts> => ({ root: '/opt/k trace', files: [{ path: directory, of: 'call', uid: 0, gid: 0, mode }, { path: `${directory}/ktrace`, of: 'call', uid, gid: 50, mode: 0o120777 }] });
const IN_USER_NAMESPACE: Partial<DoctorFacts> = { rights: { ...ROOT, inUserNamespace: true }, trials: { ...TRIALS, ring: DENIED } };
const rights = (changed: Partial<typeof ROOT>): Partial<DoctorFacts> => ({ rights: { ...ROOT, ...changed } });
const trials = (changed: Partial<typeof TRIALS>): Partial<DoctorFacts> => ({ trials: { ...TRIALS, ...changed } });
const node = (changed: Partial<DoctorFacts['node']>): Partial<DoctorFacts> => ({ node: { ...machine().node, ...changed } });
const unsupported = { stage: 'load', code: 'EINVAL' } as const;
const without = (...names: string[]): string[] => ROOT.effective.filter((name) => !names.includes(name));

/** Key, what is changed, the state, words of the text, words of the remedy. */
const CASES: readonly (readonly [key: string, changed: Partial<DoctorFacts>, state: State, text: RegExp, remedy?: RegExp])[] = [
  ['kernel', {}, 'works', /^Linux 6\.12\.1, x86-64$/],
  ['kernel', { kernel: { release: '6.1.0', arch: 'arm64' } }, 'limited', /arm64: nobody/, /another tracer/],
  ['kernel', trials({ legacy: true }), 'limited', /older than 5\.17/, /docs\/kernels\.md/],
  ['distribution', {}, 'works', /Debian/],
  ['distribution', { distribution: undefined }, 'works', /no os-release/],
  ['pid-namespace', {}, 'works', /all processes/],
  ['pid-namespace', { pidNamespace: 'nested' }, 'limited', /by its ids/, /on the host/],
  ['pid-namespace', { pidNamespace: 'foreign' }, 'fails', /another pid namespace/, /^Give it .*`unshare --mount sh -c 'mount -t proc/],
  ['pid-namespace', { pidNamespace: 'missing' }, 'fails', /not mounted/, /mount -t proc/],
  ['cgroup', {}, 'works', /Version 2 at \/sys\/fs\/cgroup/],
  ['cgroup', { cgroup: { v2: '/x', v1: true } }, 'limited', /beside version 1/, /unified_cgroup_hierarchy/],
  ['cgroup', { cgroup: { v2: undefined, v1: true } }, 'limited', /Version 1 only/, /mount -t cgroup2/],
  ['cgroup', { cgroup: { v2: undefined, v1: false } }, 'limited', /Not mounted/, /mount -t cgroup2/],
  ['cgroup', { cgroup: { v2: undefined, v1: false }, pidNamespace: 'missing' }, 'limited', /Not known without \/proc/, /mount -t proc/],
  ['capabilities', {}, 'works', /root/],
  ['capabilities', { rights: undefined }, 'limited', /\/proc/, /pid namespace/],
  ['capabilities', { rights: USER }, 'fails', /CAP_BPF and CAP_PERFMON are missing \(user 1000\)/, /`sudo ktrace doctor`/],
  ['capabilities', { rights: { ...USER, effective: ['CAP_BPF'] } }, 'fails', /^CAP_PERFMON is missing/, /sudo/],
  ['capabilities', { rights: { ...USER, bounding: [] } }, 'fails', /missing/, /--cap-add=BPF --cap-add=PERFMON/],
  ['capabilities', { rights: USER, command: ['/opt/node', '/home/a b/main.js'] }, 'fails', /missing/, /`sudo \/opt\/node '\/home\/a b\/main\.js' doctor`/],
  ['capabilities', rights({ effective: [], bounding: [] }), 'fails', /\(root\)/, /container/],
  ['capabilities', rights({ effective: [] }), 'fails', /\(root\)/, /Give root its capabilities back: CAP_BPF, CAP_PERFMON/],
  ['capabilities', IN_USER_NAMESPACE, 'fails', /user namespace only/, /outside: `sudo/],
  ['capabilities', { rights: { ...USER, inUserNamespace: true }, ...trials({ ring: DENIED }) }, 'fails', /user namespace only/, /outside/],
  ['capabilities', { ...rights({ inUserNamespace: true }), ...trials({ iterators: DENIED }) }, 'fails', /user namespace only/, /outside/],
  ['capabilities', rights({ inUserNamespace: true }), 'works', /All/],
  ['capabilities', rights({ effective: without('CAP_SYS_PTRACE') }), 'limited', /^CAP_SYS_PTRACE is missing: .*deadlocks/, /where root has them/],
  ['capabilities', { rights: { ...USER, effective: without('CAP_SYS_PTRACE') } }, 'limited', /^CAP_SYS_PTRACE is missing/, /`sudo ktrace doctor`, or add them/],
  ['capabilities', rights({ effective: without('CAP_SYS_RESOURCE') }), 'limited', /^CAP_SYS_RESOURCE is missing: no --protect-self\.$/, /where root has them/],
  ['capabilities', { ...rights({ effective: without() }), caller: 1000 }, 'limited', /^CAP_SETUID and CAP_SETGID are missing: ktrace cannot become user 1000/, /where root has them/],
  ['capabilities', { ...rights({ effective: [...without(), 'CAP_SETUID'] }), caller: 1000 }, 'limited', /^CAP_SETGID is missing/, /where root has them/],
  ['capabilities', { ...rights({ effective: [...without(), 'CAP_SETUID', 'CAP_SETGID'] }), caller: 1000 }, 'works', /All/],
  ['capabilities', { rights: { ...USER, effective: ['CAP_BPF', 'CAP_PERFMON', 'CAP_SYS_PTRACE', 'CAP_SYS_RESOURCE'] } }, 'limited', /^CAP_DAC_READ_SEARCH is missing/, /add them/],
  ['capabilities', { rights: { ...USER, effective: ['CAP_BPF', 'CAP_PERFMON', 'CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH', 'CAP_SYS_RESOURCE'] } }, 'works', /user 1000/],
  ['node-rights', {}, 'works', /not set-uid/],
  ['node-rights', { rights: { ...USER, effective: ROOT.effective, fromFile: true } }, 'fails', /come from \/usr\/bin\/node/, /^`sudo setcap -r \/usr\/bin\/node`, then `sudo ktrace doctor`\.$/],
  ['node-rights', node({ setId: true, path: '/a b' }), 'limited', /set-uid/, /^`sudo chmod ug-s '\/a b'`\.$/],
  ['node-rights', trials({ nodeHasFileCapabilities: true }), 'limited', /has file capabilities/, /^`sudo setcap -r \/usr\/bin\/node`\.$/],
  ['perf-event-paranoid', {}, 'works', /is 2; it does not bind/],
  ['perf-event-paranoid', { rights: USER, perfEventParanoid: 4 }, 'limited', /is 4: it binds/, /capabilities/],
  ['perf-event-paranoid', { rights: { ...USER, effective: ['CAP_BPF', 'CAP_PERFMON'] }, perfEventParanoid: 3 }, 'limited', /is 3: above 2 .*CAP_SYS_ADMIN/, /sysctl kernel\.perf_event_paranoid=2/],
  ['perf-event-paranoid', IN_USER_NAMESPACE, 'limited', /is 2: it binds whoever is in a user namespace/, /capabilities/],
  ['perf-event-paranoid', { ...IN_USER_NAMESPACE, perfEventParanoid: -1 }, 'works', /does not bind/],
  ['perf-event-paranoid', { perfEventParanoid: 3 }, 'works', /is 3; it does not bind/],
  ['perf-event-paranoid', { perfEventParanoid: undefined }, 'limited', /no perf events/, /CONFIG_PERF_EVENTS/],
  ['unprivileged-bpf-disabled', {}, 'works', /is 2; it does not bind/],
  ['unprivileged-bpf-disabled', { rights: USER, unprivilegedBpfDisabled: 0 }, 'limited', /is 0; tracing takes CAP_BPF/, /capabilities/],
  ['unprivileged-bpf-disabled', IN_USER_NAMESPACE, 'limited', /CAP_BPF of the machine/, /capabilities/],
  ['unprivileged-bpf-disabled', { unprivilegedBpfDisabled: undefined }, 'limited', /no bpf\(2\)/, /CONFIG_BPF_SYSCALL/],
  ['kernel-log', {}, 'works', /can be read/],
  ['kernel-log', { kernelLog: 'EPERM' }, 'limited', /EPERM\): `ktrace oom` tells less/, /add CAP_SYSLOG/],
  ['kernel-log', { kernelLog: 'EPERM', ...IN_USER_NAMESPACE }, 'limited', /EPERM/, /outside of the user namespace/],
  ['kernel-log', { kernelLog: 'ENOENT' }, 'limited', /ENOENT/, /on the host/],
  ['lockdown', {}, 'works', /^none, which/],
  ['lockdown', { lockdown: 'none [integrity] confidentiality' }, 'works', /^integrity, which/],
  ['lockdown', { lockdown: 'none integrity [confidentiality]' }, 'fails', /may not read/, /lockdown=integrity/],
  ['lockdown', { lockdown: undefined }, 'works', /can be seen/],
  ['node', {}, 'works', /^v20\.19\.0, with Node-API 9$/],
  ['node', node({ version: 'v20.18.3' }), 'fails', /20\.18/, /20\.19 or newer/],
  ['node', node({ version: 'v18.20.0' }), 'fails', /18/, /20\.19 or newer/],
  ['node', node({ version: 'v22.1.0' }), 'works', /22/],
  ['node', node({ napi: 7 }), 'fails', /Node-API 7/, /20\.19/],
  ['addon', {}, 'works', /ktrace 1\.2\.3, with libbpf 1\.1/],
  ['addon', { addon: { message: 'The library libbpf.so.1 is missing', hint: 'install it: `apt-get install libbpf1`' }, trials: undefined }, 'fails', /^The library libbpf\.so\.1 is missing\.$/, /^Install it: `apt-get install libbpf1`\.$/],
  ['own-files', {}, 'works', /^Nobody but root can/],
  ['own-files', { caller: 1000, ...file(0o100644, 1000) }, 'works', /root and user 1000/],
  ['own-files', { rights: USER, ...file(0o100666, 7) }, 'works', /Not looked at/],
  ['own-files', { rights: { ...USER, effective: ['CAP_BPF'] }, caller: 1000, ...file(0o100666) }, 'limited', /everybody/, /chmod go-w/],
  ['own-files', file(0o100644, 1000), 'limited', /by user 1000/, /^`chown -R root '\/opt\/k trace'`, then/],
  ['own-files', file(0o100644, 1000, 0, '/opt/k trace/dist/cli/main.js'), 'limited', /by user 1000/, /^`chown -R root '\/opt\/k trace'`, then/],
  ['own-files', { ...file(0o040755, 1000, 0, '/srv/al'), root: '/srv/al/k trace' }, 'limited', /by user 1000/, /^Run a copy of root's: `cp -rL '\/srv\/al\/k trace' \/opt\/ktrace`\.$/],
  ['own-files', { ...file(0o040755, 1000, 0, '/srv/al'), root: '/srv/al/k', rights: { ...USER, effective: ['CAP_BPF'] } }, 'limited', /by user 1000/, /`sudo cp -rL \/srv\/al\/k \/opt\/ktrace`/],
  ['own-files', file(0o040755, 1000, 0, '/opt'), 'limited', /by user 1000/, /^`chown -h root \/opt`, then/],
  ['own-files', file(0o040755, 1000, 0, '/'), 'limited', /by user 1000/, /^`chown -h root \/`, then/],
  ['own-files', { ...file(0o040755, 65534, 0, '/'), ...IN_USER_NAMESPACE }, 'works', /those of a user namespace/],
  ['own-files', file(0o100755, 1000, 0, '/opt/k traces/node', 'node'), 'limited', /by user 1000/, /^Run it with a Node\.js that root/],
  ['own-files', file(0o040755, 1000, 0, '/scratch'), 'limited', /by user 1000/, /^Run a copy of root's: `cp -rL '\/opt\/k trace' \/opt\/ktrace`\.$/],
  ['own-files', file(0o040755, 1000, 0, '/srv/bin', 'call'), 'limited', /by user 1000/, /^Call it by its own path: `\/usr\/bin\/node '\/opt\/k trace\/dist\/cli\/main\.js' doctor`\.$/],
  ['own-files', link('/srv/bin', 0o041777, 1000), 'limited', /^\/srv\/bin\/ktrace can be changed by user 1000, /, /^Call it by its own path/],
  ['own-files', link('/opt', 0o041777, 1000), 'limited', /^\/opt\/ktrace can be changed by user 1000, /, /^`chown -h root \/opt\/ktrace`, then/],
  ['own-files', link('/srv/bin', 0o041777, 0), 'works', /Nobody/],
  ['own-files', link('/srv/bin', 0o040755, 1000), 'works', /Nobody/],
  ['own-files', link('/srv/bin', 0o040777, 1000), 'limited', /^\/srv\/bin can be changed by everybody, who would get your rights\.$/, /chmod go-w \/srv\/bin/],
  ['own-files', file(0o040777), 'limited', /by everybody/, /chmod go-w '/],
  ['own-files', file(0o041777), 'works', /Nobody/],
  ['own-files', file(0o041777, 1000), 'limited', /user 1000/, /chown -R/],
  ['own-files', file(0o101777), 'limited', /everybody/, /chmod/],
  ['own-files', file(0o040775, 0, 50), 'limited', /by group 50/, /chmod g-w/],
  ['own-files', file(0o040775, 0, 0), 'works', /Nobody/],
  ['own-files', { files: [1, 2, 3].map((uid) => ({ path: `/${uid}`, of: 'node' as const, uid, gid: 0, mode: 0o100644 })) }, 'limited', /^\/1 .* So are 2 more\.$/, /Node\.js/],
  ['btf', {}, 'works', /vmlinux/],
  ['btf', { btf: 'ENOENT' }, 'fails', /has none/, /CONFIG_DEBUG_INFO_BTF=y/],
  ['btf', { btf: 'EACCES' }, 'fails', /cannot be read: EACCES/, /as root/],
  ['ring-buffer', {}, 'works', /was made/],
  ['ring-buffer', trials({ ring: unsupported }), 'fails', /has none \(load: EINVAL\)/, /5\.8/],
  ['ring-buffer', trials({ ring: { stage: 'load', code: 'EMFILE' } }), 'fails', /could be made \(load: EMFILE\)/, /ulimit -n/],
  ['ring-buffer', IN_USER_NAMESPACE, 'fails', /refuses/, /outside of the user namespace/],
  ['ring-buffer', { rights: USER, ...trials({ ring: DENIED }) }, 'fails', /refuses.*load: EPERM/, /see capabilities/],
  ['ring-buffer', { ...rights({ seccomp: true }), ...trials({ ring: DENIED }) }, 'fails', /refuses/, /seccomp filter/],
  ['ring-buffer', trials({ ring: DENIED }), 'fails', /refuses/, /lockdown or a security module/],
  ['task-storage', {}, 'works', /was made/],
  ['task-storage', trials({ taskStorage: false }), 'limited', /16,384 threads/, /5\.11/],
  ['task-storage', { rights: USER, ...trials({ taskStorage: false, ring: DENIED }) }, 'fails', /refuses to say/, /see capabilities/],
  ['iterators', {}, 'works', /attached/],
  ['iterators', trials({ iterators: { stage: 'find', code: 'ENOENT' } }), 'fails', /has none over tasks \(find: ENOENT\)/, /5\.8/],
  ['iterators', { rights: USER, ...trials({ iterators: DENIED }) }, 'fails', /refuses them/, /see capabilities/],
  ['kernel-stacks', {}, 'works', /bpf_get_stack/],
  ['kernel-stacks', trials({ getStack: false }), 'limited', /cannot/, /CONFIG_PERF_EVENTS/],
  ['kernel-stacks', { rights: USER, ...trials({ ring: DENIED }) }, 'fails', /refuses to say/, /see capabilities/],
  ['user-stacks', {}, 'works', /keeps frame pointers/],
  ['user-stacks', { framePointers: 0.01 }, 'limited', /no frame pointers; it has unwind tables/, /-fno-omit-frame-pointer/],
  ['user-stacks', { framePointers: 0, unwindTables: false }, 'limited', /no unwind tables either/, /-fno-omit-frame-pointer/],
  ['user-stacks', { framePointers: undefined }, 'limited', /Not known/, /-fno-omit-frame-pointer/],
];

for (const [i, [key, changed, state, text, remedy]] of CASES.entries()) {
  t.test(`${key}, case ${i}: ${state}, with its reason and its next step`, (t) => {
    const found = finding(key, changed);
    t.equal(found.state, state, found.text);
    t.match(found.text, text);
    if (remedy) t.match(found.remedy, remedy);
    t.equal(found.remedy === '', state === 'works', 'a next step where something is amiss, and only there');
    t.end();
  });
}

t.test('where all works, every line says so', (t) => {
  const { groups, tools, runs } = diagnose(machine());
  t.strictSame(groups.map(({ title }) => title), ['Machine', 'Rights', 'ktrace', 'BPF', 'Stacks', 'Hooks']);
  t.strictSame(groups.flatMap(({ findings }) => findings).filter(({ state }) => state !== 'works'), []);
  t.strictSame(tools.map(({ state }) => state), ['works']);
  t.equal(runs, true);
  t.end();
});

t.test('every line was broken by some case, and keys are unique', (t) => {
  const keys = diagnose(machine()).groups.flatMap(({ findings }) => findings).map(({ key }) => key);
  t.equal(new Set(keys).size, keys.length);
  const broken = new Set(CASES.filter(([, , state]) => state !== 'works').map(([key]) => key));
  t.strictSame(keys.filter((key) => !broken.has(key) && key !== 'distribution' && !key.startsWith('hooks.')), []);
  t.end();
});
