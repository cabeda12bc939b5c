/** What people call a process: not `node`, but the script that it runs. */

const INTERPRETER = /^(node|nodejs|deno|bun|python[\d.]*|ruby[\d.]*|perl[\d.]*|php[\d.]*|lua[\d.]*|sh|bash|dash|zsh|ksh|ash)$/;

const last = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Of `node --inspect worker.js 7` the script; `comm` where there is none. Hostile. */
export function nameOf(comm: string, argv: readonly string[]): string {
  const [program = '', ...words] = argv;
  if (!INTERPRETER.test(last(program).replace(/^-/, ''))) return comm;
  const word = words.find((each) => !each.startsWith('-'));
  const isScript = word !== undefined && words[0] !== '-c' && words[0] !== '-e' && words[0] !== '-m' && /^[^\s]+$/.test(word) && /[./]/.test(word);
  return isScript ? last(word) : comm;
}

const PLAIN = /^[\w@%+=:,./-]+$/;

/** As it could be typed into a shell; one word for one argument. */
export const quoteWord = (word: string): string => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

export const commandLine = (argv: readonly string[]): string => argv.map(quoteWord).join(' ');
