/** What user space must know to read or write one value. Sizes and offsets are in bytes. */
export interface ValueType {
  /** `bytes`: an array of one-byte integers; `array`: of anything else. */
  readonly kind: 'int' | 'enum' | 'bytes' | 'array' | 'struct';
  readonly size: number;
  readonly signed: boolean;
  /** Outermost typedef named `ktrace_*`, of the value or else of its elements: the unit. */
  readonly typedef?: string;
  /** Of an int: declared `bool`. */
  readonly bool?: true;
  /** Of bytes: declared as `char` and not as ktrace_raw, so a string up to its first NUL. */
  readonly text?: true;
  readonly enumName?: string;
  /** Elements of bytes or of an array. */
  readonly length?: number;
  readonly element?: ValueType;
  readonly struct?: StructLayout;
}

export interface Field extends ValueType {
  readonly name: string;
  readonly offset: number;
}

/** Fields in order of offset, without gaps. */
export interface StructLayout {
  readonly name: string;
  readonly size: number;
  readonly fields: readonly Field[];
  /** Not a struct of the object: a bare integer, enum or array, as the one field `value`. */
  readonly scalar?: true;
}
