import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { rebuild } from '../../src/native/load.js';
import { KtraceError } from '../../src/errors.js';
import { schema } from '../../src/generated/futex.js';
import { readToolObject } from '../../src/source/object.js';

const built = join(import.meta.dirname, '../../build/bpf');
const skip = existsSync(join(built, 'futex.bpf.o')) && existsSync(join(built, 'manifest.json')) ? false : 'build/bpf is not built';
const FILE = 'futex.bpf.o';
const MODERN = { legacy: false };
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A directory as the build leaves it, with this object in it. */
function directoryWith(directory: string, bytes: Uint8Array, digest = sha256(bytes), layoutHash: string = schema.layoutHash): string {
  writeFileSync(join(directory, FILE), bytes);
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify({ objects: { [FILE]: { sha256: digest, layoutHash } } }));
  return directory;
}

function failure(directory: string, expected = schema as { tool: string; object: string; layoutHash: string }): KtraceError {
  try {
    void readToolObject(expected, MODERN, directory).schema;
  } catch (error) {
    if (error instanceof KtraceError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

if (skip) t.test('objects of tools', { skip }, () => undefined);
else {
  const object = readFileSync(join(built, FILE));

  t.test('the object that was built is read, with its schema and its options', (t) => {
    for (const legacy of [false, true]) {
      const file = legacy ? 'futex.legacy.bpf.o' : FILE;
      t.equal(sha256(readToolObject(schema, { legacy }).bytes), sha256(readFileSync(join(built, file))), `${file}: the very bytes that were checked`);
    }
    const found = readToolObject(schema, MODERN);
    t.strictSame(found.options.map(({ name }) => name).filter((name) => !name.startsWith('ktrace_anchor')).sort(), Object.values(schema.options).sort());
    t.ok(found.globals.some(({ name }) => name === 'frozen'));
    t.strictSame(found.schema.maps.map(({ name }) => name), schema.maps);
    t.end();
  });

  t.test('a missing object or manifest is named, with the command that builds it', (t) => {
    for (const gone of [FILE, 'manifest.json']) {
      const directory = directoryWith(t.testdir(), object);
      rmSync(join(directory, gone));
      const error = failure(directory);
      t.match(error, { code: 'OBJECT', message: new RegExp(`/${gone} cannot be read: ENOENT$`), hint: /^build it: `npm run setup`$/ });
      t.match(error.cause, { code: 'ENOENT' });
    }
    t.end();
  });

  t.test('an object with one other bit is corrupt', (t) => {
    const bytes = Buffer.from(object);
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    t.match(failure(directoryWith(t.testdir(), bytes, sha256(object))), { code: 'OBJECT', message: /futex\.bpf\.o is corrupt: its digest/, hint: rebuild() });
    t.end();
  });

  t.test('an object that the manifest does not know is not taken', (t) => {
    const directory = directoryWith(t.testdir(), object);
    for (const manifest of ['{}', '{"objects":{}}', `{"objects":{"${FILE}":{}}}`, `{"objects":{"${FILE}":null}}`, '[]', 'null', '"x"']) {
      writeFileSync(join(directory, 'manifest.json'), manifest);
      t.match(failure(directory), { code: 'OBJECT', hint: rebuild() }, manifest);
    }
    t.end();
  });

  t.test('a manifest that is not JSON is corrupt', (t) => {
    const directory = directoryWith(t.testdir(), object);
    writeFileSync(join(directory, 'manifest.json'), '{"objects":');
    t.match(failure(directory), { code: 'OBJECT', message: /manifest\.json is corrupt: it is not JSON/ });
    t.end();
  });

  t.test('another layout than this version was made for is refused', (t) => {
    t.equal(readToolObject(schema, MODERN, directoryWith(t.testdir(), object)).name, 'futex', 'the right one is taken');
    t.match(failure(directoryWith(t.testdir(), object), { ...schema, layoutHash: '0123456789abcdef' }), { code: 'LAYOUT', message: /futex\.bpf\.o.*its layout is not the one/, hint: rebuild() });
    t.end();
  });

  t.test('whatever else lies there under its name is an error with a hint, and nothing worse', (t) => {
    const cuts = [0, 1, 40, 64, 1000, object.length >> 2, object.length >> 1].map((length) => object.subarray(0, length));
    const noBtf = Buffer.from(object);
    for (let at = noBtf.indexOf('.BTF\0'); at >= 0; at = noBtf.indexOf('.BTF\0', at + 1)) noBtf.write('.BTX', at);
    for (const [i, bytes] of [...cuts, Buffer.from('no ELF at all'), noBtf].entries()) {
      t.match(failure(directoryWith(t.testdir(), bytes)), { code: 'LAYOUT', hint: rebuild() }, `case ${i}, ${bytes.length} bytes`);
    }
    t.end();
  });
}
