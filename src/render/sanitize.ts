/**
 * One sanitizer per sink. Names of threads, files, symbols and cgroups are chosen by whoever runs the traced program; printed raw they
 * move the cursor, hide rows, reverse text or forge lines on root's terminal. Renderers pass every string through here, ours too.
 */

/**
 * What must not reach a terminal: controls (C0, DEL, C1), format characters (bidi, zero width, tags), lone surrogates, line and paragraph
 * separators, everything that shows as nothing, and combining marks beyond three in a row, which would pile up over neighbouring lines.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?<=\p{M}{3})\p{M}/gu;

/** As UNSAFE, in text that JSON.stringify made: it has escaped C0 already, and the line feeds left are its own. */
const UNSAFE_IN_JSON = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

function escapeForTerminal(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u{${hex(code, 4)}}`;
}

function escapeForJson(character: string): string {
  return character.replace(/[^]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`);
}

/** One piece of one line: what is unsafe becomes `\xNN` or `\u{…}`, line feeds and tabs included. */
export function forTerminal(text: string): string {
  return text.replace(UNSAFE, escapeForTerminal);
}

/** The value as JSON that is safe to print and to paste into a script: stringify's text with the unsafe characters as `\uXXXX`. */
export function forJson(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(UNSAFE_IN_JSON, escapeForJson);
}
