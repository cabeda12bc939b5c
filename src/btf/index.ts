/** Read the object that is the schema: ELF, BTF, layouts, and decoders compiled from them. Pure: no I/O, no Node. */
export { decodeBatch, readRows, type MapRow } from './batch.js';
export { Btf } from './btf.js';
export { compileDecoder, type Decoder, type DecoderOptions } from './decoder.js';
export { ElfFile, type ElfSection } from './elf.js';
export { enumValues } from './enums.js';
export { LayoutError } from './error.js';
export { globals, type GlobalVariable } from './globals.js';
export { layoutHash } from './hash.js';
export { structLayout } from './layout.js';
export { maps, type MapInfo, type MapSide } from './maps.js';
export { camelCase, pascalCase } from './names.js';
export { programs, type Program } from './programs.js';
export { readSchema, type Schema, type SchemaMap } from './schema.js';
export { decodeText } from './text.js';
export type { Field, StructLayout, ValueType } from './shape.js';
export { encodeValue, structWriter } from './writer.js';
