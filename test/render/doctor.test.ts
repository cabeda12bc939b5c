/** What `ktrace doctor` prints, for people and for programs. */
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import pc from 'picocolors';
import t from 'tap';
import type { DoctorFacts } from '../../src/report/doctor/facts.js';
import { diagnose } from '../../src/report/doctor/judge.js';
import { renderDoctor, renderDoctorJson } from '../../src/render/doctor.js';
import { ABSENT, COMMON, DENIED, FENTRY, hook, machine, tool, TRACEPOINT, USER, variant } from '../report/doctor/facts.js';
import { FORBIDDEN, PAYLOADS } from './hostile.js';

const schema = JSON.parse(readFileSync(new URL('../../schema/doctor.schema.json', import.meta.url), 'utf8')) as object;
const fits = new Ajv({ strict: true }).compile(schema);
const MIXED = machine({ pidNamespace: 'nested', tools: [tool(COMMON, { ...FENTRY, refused: DENIED }, { ...TRACEPOINT, hooks: [...TRACEPOINT.hooks, hook('tracepoint/syscalls/sys_enter_futex_waitv', ABSENT, true)] })] });
const BROKEN = machine({ rights: USER, tools: [tool(variant('any', [hook('tp_btf/sched_waking', DENIED)]), TRACEPOINT)] });

const plain = (facts: DoctorFacts, width = 80): string => renderDoctor(diagnose(facts), { width, color: pc.createColors(false) });

t.test('every line fits, down to 60 columns', (t) => {
  for (const facts of [machine(), MIXED, BROKEN]) {
    for (const width of [60, 80, 120]) t.strictSame(plain(facts, width).split('\n').filter((line) => [...line].length > width), [], `${width} columns`);
  }
  t.end();
});

t.test('each finding is a line with its state, and what is amiss has its next step below', (t) => {
  const text = plain(MIXED);
  t.match(text, /^ktrace doctor 1\.2\.3\n\nMachine\n {2}kernel {2,}works {4}Linux 6\.12\.1, x86-64\n/);
  t.match(text, /^ {2}pid namespace {2,}limited {2}Not the initial one[^>]*\n +> Run it on the host/m);
  t.match(text, /^ {2}futex, fentry {2,}fails {4}The kernel refuses[^>]*\n +> It takes/m);
  t.match(text, /\nTools\n {2}futex {2,}limited {2}Runs by tracepoint\.\n[^\n]*\n[^]*Will run: futex by tracepoint\.\n$/);
  t.match(plain(BROKEN), /\nNo tool runs here\.\n$/);
  t.end();
});

t.test('tools that run and tools that do not are both in the last sentence', (t) => {
  const other = { ...tool(COMMON, { ...FENTRY, refused: DENIED }), name: 'other' };
  t.match(plain(machine({ tools: [tool(COMMON, TRACEPOINT), other] })), /Will run: futex by tracepoint\. Will not: other\.\n$/);
  t.end();
});

t.test('colour marks the state and changes nothing else', (t) => {
  const colored = renderDoctor(diagnose(MIXED), { width: 80, color: pc.createColors(true) });
  t.match(colored, /\x1b\[32mworks\x1b\[39m/);
  t.match(colored, /\x1b\[33mlimited\x1b\[39m/);
  t.match(colored, /\x1b\[31mfails\x1b\[39m/);
  t.equal(colored.replace(/\x1b\[\d+m/g, ''), plain(MIXED));
  t.end();
});

t.test('JSON keeps to the schema and says what the lines say', (t) => {
  for (const facts of [machine(), MIXED, BROKEN, machine({ addon: { message: 'x', hint: 'y' }, trials: undefined, tools: [{ ...tool(), problem: { message: 'a', hint: 'b' } }] })]) {
    const document = JSON.parse(renderDoctorJson(diagnose(facts))) as { findings: { title: string; text: string; remedy: string }[]; tools: { text: string }[] };
    t.ok(fits(document), JSON.stringify(fits.errors));
    const words = plain(facts).replace(/[\s>]+/g, ' ');
    for (const { title, text, remedy } of document.findings) t.ok([title, text, remedy].every((part) => words.includes(part.replace(/[\s>]+/g, ' '))), title);
    for (const { text } of document.tools) t.ok(words.includes(text), text);
  }
  t.end();
});

/** The text wherever something else than ktrace has the word. */
function hostile(text: string): DoctorFacts {
  const refusal = { stage: text, code: text };
  const trials = { ...machine().trials, libbpf: text, ring: refusal, taskStorage: false, getStack: false, iterators: refusal, legacy: false, nodeHasFileCapabilities: true };
  const refused = variant('fentry', [hook(`tracepoint/${text}`, refusal)], { refused: refusal });
  return machine({
    version: text, command: [text, text], kernel: { release: text, arch: text }, distribution: text, btf: text, lockdown: `[${text}]`, cgroup: { v2: text, v1: true }, trials,
    node: { version: text, napi: 9, path: text, setId: false }, addon: { message: text, hint: text }, files: [{ of: 'package', path: text, uid: 7, gid: 0, mode: 0o100644 }],
    tools: [{ name: 'futex', variants: [refused, variant('tracepoint', [hook(`tracepoint/${text}`)], { limits: [text] })], problem: undefined }, { name: 'x', variants: [], problem: { message: text, hint: text } }],
  });
}

t.test('no name of a file, a kernel or a distribution reaches the terminal unescaped', (t) => {
  for (const [i, payload] of PAYLOADS.entries()) {
    t.notMatch(plain(hostile(payload)), FORBIDDEN, `payload ${i}`);
    const json = renderDoctorJson(diagnose(hostile(payload)));
    t.notMatch(json, FORBIDDEN, `payload ${i} as JSON`);
    t.equal((JSON.parse(json) as { version: string }).version, payload, `payload ${i} is not lost`);
  }
  t.end();
});
