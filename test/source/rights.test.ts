import t from 'tap';
import { parseRights, readRights, sudoCaller } from '../../src/source/rights.js';

const WHOLE = '         0          0 4294967295\n';

interface Fields {
  readonly uid?: number;
  readonly euid?: number;
  readonly prm?: bigint;
  readonly amb?: bigint;
  readonly bnd?: bigint;
  readonly seccomp?: number;
}

function status({ uid = 1000, euid = uid, prm = 0n, amb = 0n, bnd = (1n << 41n) - 1n, seccomp = 0 }: Fields): string {
  const mask = (value: bigint): string => value.toString(16).padStart(16, '0');
  return `Name:\tnode\nUid:\t${uid}\t${euid}\t${euid}\t${euid}\nCapInh:\t${mask(0n)}\nCapPrm:\t${mask(prm)}\nCapEff:\t${mask(prm)}\nCapBnd:\t${mask(bnd)}\nCapAmb:\t${mask(amb)}\nSeccomp:\t${seccomp}\n`;
}

const BPF = 1n << 39n;
const PERFMON = 1n << 38n;

t.test('capabilities are read by name', (t) => {
  t.strictSame(parseRights(status({ prm: BPF | PERFMON | 1n, amb: BPF | PERFMON | 1n }), WHOLE).effective, ['CAP_PERFMON', 'CAP_BPF']);
  t.strictSame(parseRights(status({}), WHOLE).effective, []);
  t.strictSame(parseRights(status({ bnd: BPF }), WHOLE).bounding, ['CAP_BPF']);
  t.match(parseRights(status({ uid: 1000, euid: 1001 }), WHOLE), { uid: 1000, euid: 1001 });
  t.strictSame(parseRights('', '').effective, [], 'a file cut short gives nothing');
  t.end();
});

t.test('rights of an ordinary user that no parent gave come from the program file', (t) => {
  t.equal(parseRights(status({ prm: BPF }), WHOLE).fromFile, true, 'file capabilities');
  t.equal(parseRights(status({ prm: BPF, amb: BPF }), WHOLE).fromFile, false, 'ambient ones are inherited');
  t.equal(parseRights(status({ euid: 0 }), WHOLE).fromFile, true, 'set-uid');
  t.equal(parseRights(status({ uid: 0, prm: BPF }), WHOLE).fromFile, false, 'root has its own');
  t.equal(parseRights(status({}), WHOLE).fromFile, false, 'none at all');
  t.end();
});

t.test('user namespaces and seccomp filters are noticed', (t) => {
  t.equal(parseRights(status({}), WHOLE).inUserNamespace, false);
  t.equal(parseRights(status({}), '0 1000 1\n').inUserNamespace, true);
  t.equal(parseRights(status({ seccomp: 0 }), WHOLE).seccomp, false);
  t.equal(parseRights(status({ seccomp: 2 }), WHOLE).seccomp, true);
  t.end();
});

t.test('this process has rights of its user, and none of its program file', (t) => {
  t.match(readRights(), { uid: process.getuid?.(), euid: process.geteuid?.(), fromFile: false });
  t.end();
});

t.test('who called sudo: for root alone, by numbers that are ids', { skip: process.getuid?.() === 0 ? false : 'not root' }, (t) => {
  const cases: [string | undefined, string | undefined, object | undefined][] = [
    ['1000', '1000', { uid: 1000, gid: 1000 }], ['1000', '0', { uid: 1000, gid: 0 }], ['1000', undefined, { uid: 1000, gid: undefined }], ['1000', 'staff', { uid: 1000, gid: undefined }],
    ['0', '0', undefined], [undefined, '1000', undefined], ['', '', undefined], ['x', '1', undefined], ['-1', '1', undefined], ['1e3', '1', undefined],
    ['4294967294', '1', { uid: 4294967294, gid: 1 }], ['4294967295', '1', undefined], ['10000000000', '1', undefined],
  ];
  for (const [uid, gid, expected] of cases) t.strictSame(sudoCaller({ SUDO_UID: uid, SUDO_GID: gid }), expected, `${uid} ${gid}`);
  t.end();
});
