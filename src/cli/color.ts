/** Whether to colour, as https://no-color.org and the terminal have it. */

type Environment = Readonly<Record<string, string | undefined>>;

/** `--color` decides; else a non-empty NO_COLOR turns colour off, FORCE_COLOR turns it on, and TERM=dumb and what is no terminal go without. */
export function wantsColor(when: 'auto' | 'always' | 'never', env: Environment, isTerminal: boolean): boolean {
  if (when !== 'auto') return when === 'always';
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return isTerminal && env.TERM !== 'dumb';
}
