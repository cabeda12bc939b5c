import { LayoutError } from './error.js';

/** Longest name accepted; the kernel's own limit (KSYM_NAME_LEN) is 512. */
const MAX_NAME = 512;

/** Little-endian reads that either lie inside the bytes or throw LayoutError. Offsets are in bytes. */
export class Bytes {
  readonly length: number;
  private readonly view: DataView;

  /** `what` names the bytes in errors: "ELF file", ".BTF". Nothing is copied. */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly what: string,
  ) {
    this.length = bytes.length;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u8(offset: number): number {
    this.check(offset, 1);
    return this.view.getUint8(offset);
  }

  u16(offset: number): number {
    this.check(offset, 2);
    return this.view.getUint16(offset, true);
  }

  u32(offset: number): number {
    this.check(offset, 4);
    return this.view.getUint32(offset, true);
  }

  i32(offset: number): number {
    return this.u32(offset) | 0;
  }

  /** Inexact above 2^53; as a file offset or size such a value fails the next check. */
  u64(offset: number): number {
    return this.u32(offset) + this.u32(offset + 4) * 2 ** 32;
  }

  /** A view, not a copy. */
  slice(offset: number, length: number): Uint8Array {
    this.check(offset, length);
    return this.bytes.subarray(offset, offset + length);
  }

  /** NUL-terminated; one character per byte, since names in objects are ASCII. */
  name(offset: number): string {
    let text = '';
    for (let at = offset; ; at++) {
      const byte = this.u8(at);
      if (byte === 0) return text;
      if (at - offset >= MAX_NAME) throw new LayoutError(`${this.what}: name at ${offset} is longer than ${MAX_NAME}`);
      text += String.fromCharCode(byte);
    }
  }

  startsWith(offset: number, prefix: string): boolean {
    for (let i = 0; i < prefix.length; i++) {
      if (this.u8(offset + i) !== prefix.charCodeAt(i)) return false;
    }
    return true;
  }

  private check(offset: number, length: number): void {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.length)) {
      throw new LayoutError(`${this.what}: ${length} bytes at ${offset} lie outside its ${this.length} bytes`);
    }
  }
}
