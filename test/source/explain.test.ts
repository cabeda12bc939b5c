import { existsSync } from 'node:fs';
import t from 'tap';
import { AttachError, KtraceError, UnsupportedError, VerifierError } from '../../src/errors.js';
import type { NativeError } from '../../src/native/binding.js';
import type { Rights } from '../../src/report/doctor/facts.js';
import type { AttachAttempt } from '../../src/report/model.js';
import { addonPath } from '../bpf/probe.js';
import { explainAttach, isNativeError, isRefusal, missingPrerequisite } from '../../src/source/explain.js';

function native(code: string, stage: NativeError['stage'], log = ''): NativeError {
  return Object.assign(new Error(`${stage} object`), { code, errno: 1, stage, log });
}

const ATTEMPTS: readonly AttachAttempt[] = [{ variant: 'fentry', stage: 'load', errno: 'EPERM' }, { variant: 'kprobe', stage: 'attach', errno: 'ENOENT' }];
const root = process.getuid?.() === 0;

t.test('an error of the addon is told from any other', (t) => {
  t.equal(isNativeError(native('EPERM', 'load')), true);
  for (const other of [new Error('x'), { stage: 'load', errno: 1 }, null, undefined, 'load', Object.assign(new Error('x'), { stage: 'load' })]) t.equal(isNativeError(other), false);
  t.end();
});

t.test('what is missing before anything is tried is named with the option of the kernel; where tracing works, nothing is', (t) => {
  if (existsSync('/sys/kernel/btf/vmlinux')) t.equal(missingPrerequisite(), undefined);
  else t.match(missingPrerequisite(), { name: 'UnsupportedError', code: 'NO_BTF', hint: /CONFIG_DEBUG_INFO_BTF/ });
  t.end();
});

t.test('missing rights are told as such, with what to do', { skip: existsSync(addonPath) ? false : 'the addon, which is asked for what the kernel has, is not built' }, (t) => {
  for (const code of ['EPERM', 'EACCES']) {
    const error = explainAttach(native(code, 'load'), ATTEMPTS);
    t.ok(error instanceof AttachError && error instanceof UnsupportedError && error instanceof KtraceError);
    t.match(error, root ? { message: /refuses BPF to root, as a seccomp filter/, hint: /on the host/ } : { message: /without CAP_BPF and CAP_PERFMON/, hint: /sudo/ });
    t.strictSame((error as AttachError).attempts, ATTEMPTS);
    t.match(error.cause, { code });
  }
  t.end();
});

t.test('who is refused is told what is missing, or what refuses', { skip: existsSync(addonPath) ? false : 'the addon, which is asked for what the kernel has, is not built' }, (t) => {
  const all = ['CAP_BPF', 'CAP_PERFMON'];
  const rights = (changes: Partial<Rights>): Rights => ({ uid: 0, euid: 0, effective: all, bounding: all, fromFile: false, inUserNamespace: false, seccomp: false, ...changes });
  const cases: readonly (readonly [Partial<Rights>, RegExp, RegExp])[] = [
    [{ effective: [] }, /to root, as in a container without CAP_BPF and CAP_PERFMON$/, /on the host, or add/],
    [{ effective: ['CAP_PERFMON'] }, /without CAP_BPF$/, /on the host, or add/],
    [{ uid: 7, euid: 7, effective: ['CAP_BPF'] }, /^Cannot trace without CAP_PERFMON$/, /^run it with sudo$/],
    [{ inUserNamespace: true }, /to root, since in a user namespace/, /^run it outside$/],
    [{ uid: 7, euid: 7, inUserNamespace: true, effective: [] }, /refuses BPF, since in a user namespace/, /^run it outside$/],
    [{ seccomp: true }, /to root, as a seccomp filter, lockdown or/, /on the host; `ktrace doctor`/],
  ];
  for (const [changes, message, hint] of cases) {
    t.match(explainAttach(native('EPERM', 'load'), ATTEMPTS, rights(changes)), { name: 'AttachError', message, hint }, String(message));
    const untried = explainAttach(undefined, [{ variant: 'fentry', stage: 'load', errno: 'EPERM' }], rights(changes));
    t.match(untried, changes.seccomp ? { message: 'Cannot hook this kernel (fentry: load EPERM)' } : { message, hint }, 'where nothing was tried, too');
  }
  t.end();
});

t.test('maps that do not fit into memory name the options that make them smaller', (t) => {
  t.match(explainAttach(native('ENOMEM', 'load'), []), { code: 'ENOMEM', hint: /--max-locks.*--ring-size/ });
  t.end();
});

t.test('a refusal of the verifier keeps its log', (t) => {
  for (const log of ['-- BEGIN PROG LOAD LOG --\nR1 invalid mem access', '-- BEGIN VERIFIER LOG --\nx', 'x\nprocessed 77 insns (limit 1000000)']) {
    const error = explainAttach(native('EINVAL', 'load', log), ATTEMPTS);
    t.ok(error instanceof VerifierError);
    t.equal((error as VerifierError).log, log);
  }
  const forbidden = explainAttach(native('EACCES', 'load', 'invalid access to map value\nprocessed 77 insns (limit 1000000)'), ATTEMPTS);
  t.equal(forbidden instanceof VerifierError, root, 'EACCES is the verifier, too, of who may load');
  t.notOk(explainAttach(native('EPERM', 'load', 'processed 77 insns'), ATTEMPTS) instanceof VerifierError);
  t.notOk(explainAttach(native('EINVAL', 'attach', 'processed 77 insns'), ATTEMPTS) instanceof VerifierError, 'what was loaded was not refused');
  t.notOk(explainAttach(native('EINVAL', 'load', 'libbpf: no such section'), ATTEMPTS) instanceof VerifierError);
  t.end();
});

t.test('when no variant works, each is told with the stage where it failed and why', (t) => {
  const error = explainAttach(native('ENOENT', 'attach'), ATTEMPTS);
  t.match(error, { name: 'AttachError', code: 'ATTACH', message: 'Cannot hook this kernel (fentry: load EPERM, kprobe: attach ENOENT)', attempts: ATTEMPTS });
  t.match(explainAttach(native('E2BIG', 'attach'), [{ variant: 'fentry', stage: 'attach', errno: 'E2BIG' }]), { message: 'Cannot hook this kernel (fentry: attach E2BIG)', hint: /some forty/ });
  t.notMatch(explainAttach(native('E2BIG', 'attach'), [{ variant: 'tracepoint', stage: 'attach', errno: 'E2BIG' }]), { hint: /forty/ });
  const [page = ''] = /docs\/[\w./-]+\.md/.exec((error as AttachError).hint) ?? [];
  t.ok(page === '' || existsSync(new URL(`../../${page}`, import.meta.url)), `the page that the hint names is there: ${page}`);
  t.end();
});

t.test('when the kernel refuses every variant whatever the program, nothing was tried, and that is told alike', (t) => {
  t.match(explainAttach(undefined, ATTEMPTS), { name: 'AttachError', message: 'Cannot hook this kernel (fentry: load EPERM, kprobe: attach ENOENT)', cause: undefined });
  t.end();
});

t.test('another variant may do where loading or attaching was refused, and nowhere else', (t) => {
  for (const stage of ['open', 'configure', 'load', 'attach', 'iterate', 'map'] as const) t.equal(isRefusal(native('EPERM', stage)), stage === 'load' || stage === 'attach', stage);
  t.equal(isRefusal(new Error('x')), false);
  t.end();
});
