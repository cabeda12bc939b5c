/** What people call a process: not `node`, but the script that it runs. */

const INTERPRETER = /^(node|nodejs|deno|bun|python[\d.]*|ruby[\d.]*|perl[\d.]*|php[\d.]*|lua[\d.]*|sh|bash|dash|zsh|ksh|ash)$/;

export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Options behind which there is program text, or a module. */
const NO_SCRIPT = /^-[A-Za-z]*[cem]$|^(-p|--eval|--print|--test)$/;
/** Options with a value of their own. */
const WITH_VALUE = /^(-r|--require|--import|--loader|--experimental-loader|-C|--conditions|-W|-X|-I|-M|-o|-O|--rcfile|--init-file)$/;

/** Of `node --inspect worker.js 7` the script; `comm` where there is none. Hostile. */
export function nameOf(comm: string, argv: readonly string[]): string {
  const [program = '', ...words] = argv;
  return (INTERPRETER.test(baseName(program).replace(/^-/, '')) ? scriptOf(words) : undefined) ?? comm;
}

function scriptOf(words: readonly string[]): string | undefined {
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (NO_SCRIPT.test(word)) return undefined;
    if (WITH_VALUE.test(word)) i++;
    else if (!word.startsWith('-')) return /^[^\s()]+$/.test(word) && /[./]/.test(word) ? baseName(word) : undefined;
  }
  return undefined;
}

const PLAIN = /^[\w@%+=:,./-]+$/;

const CONTROL = /\p{Cc}/u;

/** As it could be typed into bash(1); one word for one argument. */
export function quoteWord(word: string): string {
  if (PLAIN.test(word)) return word;
  if (!CONTROL.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  return `$'${word.replace(/[\\']/g, '\\$&').replace(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)}'`;
}

export const commandLine = (argv: readonly string[]): string => argv.map(quoteWord).join(' ');
