/** What the addon does before anything touches the kernel: no root needed. */

import t from 'tap';
import type { BpfObject, NativeError } from '../../src/native/binding.js';
import { loadBinding } from '../../src/native/load.js';
import { compileProbe, openProbe, whyNot } from '../bpf/probe.js';

const skip = whyNot();
if (skip) t.plan(0, skip);
else tests(compileProbe());

function tests(bytes: Uint8Array): void {
  const open = (): BpfObject => openProbe(bytes, 'ktprobe', []);

  t.test('bytes that are no object fail at stage open, with what libbpf said', (t) => {
    const error = failure(() => new (loadBinding().BpfObject)(new Uint8Array(100).fill(65), 'nonsense'));
    t.match(error, { message: 'open object nonsense', code: /^LIBBPF_|^E/, stage: 'open' });
    t.match(error.log, /nonsense/);
    t.ok(error instanceof Error && error.stack?.includes('addon.test'), 'the stack leads to the caller');
    t.end();
  });

  t.test('an empty array and an object cut short fail at stage open', (t) => {
    for (const length of [0, 1, 63, 64, 100, 1000]) {
      const error = failure(() => new (loadBinding().BpfObject)(bytes.subarray(0, length), 'cut'));
      t.match(error, { message: 'open object cut', stage: 'open' });
      t.ok(error.errno > 0);
    }
    t.end();
  });

  t.test('an object is a copy: changing the bytes afterwards changes nothing', (t) => {
    const mine = bytes.slice();
    const object = new (loadBinding().BpfObject)(mine, 'ktprobe');
    mine.fill(0);
    object.setAutoload('tasks__iter', true);
    t.doesNotThrow(() => object.writeGlobals('.rodata', 0, new Uint8Array(8)));
    object.close();
    t.end();
  });

  const anything = (value: unknown): never => value as never;
  const wrong: readonly (readonly [string, (object: BpfObject) => unknown, Partial<NativeError>])[] = [
    ['an unknown program', (o) => o.setAutoload('nope', true), { code: 'ENOENT', stage: 'configure', message: 'set autoload of program nope' }],
    ['an autoload that is no boolean', (o) => o.setAutoload('tasks__iter', anything(1)), { code: 'EINVAL', stage: 'configure', message: 'set autoload of program tasks__iter: expected a boolean' }],
    ['a program name that is no string', (o) => o.setAutoload(anything(7), true), { code: 'EINVAL', message: 'set autoload: expected a name' }],
    ['a name with a NUL byte', (o) => o.setAutoload('tasks__iter\0x', true), { code: 'EINVAL', message: 'set autoload: expected a name' }],
    ['no arguments', (o) => (o.setAutoload as () => void)(), { code: 'EINVAL', message: 'set autoload: expected a name' }],
    ['an unknown map', (o) => o.setMaxEntries('nope', 5), { code: 'ENOENT', stage: 'configure', message: 'set max entries of map nope' }],
    ...[0, -1, 1.5, NaN, 2 ** 32, '5', 5n, undefined].map((entries) =>
      [`max entries of ${String(entries)} (${typeof entries})`, (o: BpfObject) => o.setMaxEntries('calls', anything(entries)), { code: 'EINVAL', stage: 'configure' }] as const),
    ['an unknown section', (o) => o.writeGlobals('.data', 0, new Uint8Array(1)), { code: 'ENOENT', stage: 'configure', message: 'write globals of section .data' }],
    ['a map instead of a section', (o) => o.writeGlobals('calls', 0, new Uint8Array(1)), { code: 'ENOENT', message: 'write globals of section calls' }],
    ['globals behind the end', (o) => o.writeGlobals('.rodata', 1, new Uint8Array(8)), { code: 'EINVAL', message: 'write globals of section .rodata: 8 bytes at 1 of 8' }],
    ['an offset behind the end', (o) => o.writeGlobals('.rodata', 9, new Uint8Array(0)), { code: 'EINVAL', message: 'write globals of section .rodata: 0 bytes at 9 of 8' }],
    ['an offset near 2^32', (o) => o.writeGlobals('.rodata', 2 ** 32 - 1, new Uint8Array(8)), { code: 'EINVAL', message: 'write globals of section .rodata: 8 bytes at 4294967295 of 8' }],
    ['a negative offset', (o) => o.writeGlobals('.rodata', -4, new Uint8Array(4)), { code: 'EINVAL', stage: 'configure' }],
    ['an array of another type', (o) => o.writeGlobals('.rodata', 0, anything(new Uint32Array(1))), { code: 'EINVAL', stage: 'configure' }],
    ['loading with statistics that are no boolean', (o) => o.load(anything(1)), { code: 'EINVAL', stage: 'load', message: 'load object: expected a boolean' }],
    ['attaching before load', (o) => o.attach('tasks__iter'), { code: 'EINVAL', stage: 'attach', message: 'attach program before load' }],
    ['a snapshot before load', (o) => o.snapshot('calls'), { code: 'EINVAL', stage: 'map', message: 'read map before load' }],
    ['a lookup before load', (o) => o.lookup('calls', new Uint8Array(4)), { code: 'EINVAL', stage: 'map', message: 'look up in map before load' }],
    ['an update before load', (o) => o.update('calls', new Uint8Array(4), new Uint8Array(8)), { code: 'EINVAL', stage: 'map', message: 'update map before load' }],
    ['an iteration before load', (o) => o.iterate('tasks__iter'), { code: 'EINVAL', stage: 'iterate', message: 'run iterator before load' }],
    ['draining before load', (o) => o.drain('events', new Uint8Array(8)), { code: 'EINVAL', stage: 'drain', message: 'drain ring before load' }],
    ['listing programs before load', (o) => o.programs(), { code: 'EINVAL', stage: 'load', message: 'list programs before load' }],
  ];
  for (const [what, act, expected] of wrong) {
    t.test(`${what} is refused by name, and the object stays usable`, (t) => {
      const object = open();
      t.match(failure(() => act(object)), expected);
      object.setMaxEntries('calls', 1);
      object.close();
      t.end();
    });
  }

  t.test('detaching before load, or what is unknown, does nothing', (t) => {
    const object = open();
    t.doesNotThrow(() => object.detach());
    t.doesNotThrow(() => object.detach('nope'));
    object.close();
    t.end();
  });

  t.test('close() twice is harmless, and every other method then says ECLOSED', (t) => {
    const object = open();
    object.close();
    object.close();
    for (const method of Object.getOwnPropertyNames(Object.getPrototypeOf(object))) {
      if (method === 'constructor' || method === 'close') continue;
      const call = (object as unknown as Record<string, () => void>)[method];
      t.match(failure(() => call?.call(object)), { code: 'ECLOSED', stage: 'closed', errno: 0, log: '' }, method);
    }
    t.end();
  });

  t.test('the class without `new`, with other arguments, and methods on a foreign receiver throw', (t) => {
    const { BpfObject } = loadBinding();
    const call = BpfObject as unknown as (...words: unknown[]) => void;
    t.throws(() => call(bytes, 'x'), TypeError);
    for (const words of [[], [bytes], ['x', bytes], [new ArrayBuffer(8), 'x'], [bytes, 5]]) {
      t.match(failure(() => Reflect.construct(BpfObject, words)), { code: 'EINVAL', stage: 'open' });
    }
    const object = open();
    for (const receiver of [undefined, {}, bytes, BpfObject.prototype, Object.create(object), new Proxy(object, {})]) {
      t.throws(() => object.drain.call(receiver as BpfObject, 'events', new Uint8Array(8)), /Illegal invocation/);
    }
    object.close();
    t.end();
  });

  t.test('each method of the interface is there, and nothing else', (t) => {
    const names = ['attach', 'close', 'constructor', 'detach', 'drain', 'iterate', 'load', 'lookup', 'programs', 'setAutoload', 'setMaxEntries', 'snapshot', 'update', 'writeGlobals'];
    t.strictSame(Object.getOwnPropertyNames(loadBinding().BpfObject.prototype).sort(), names);
    t.end();
  });
}

function failure(act: () => unknown): NativeError {
  try {
    act();
  } catch (error) {
    return error as NativeError;
  }
  throw new Error('it did not throw');
}
