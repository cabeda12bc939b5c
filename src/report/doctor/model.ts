/** The findings of `ktrace doctor`: text without a terminal in mind, still to be sanitized. */
import type { Refusal } from './facts.js';

export type State = 'works' | 'limited' | 'fails';

export interface Finding {
  /** Stable. */
  readonly key: string;
  readonly title: string;
  readonly state: State;
  readonly text: string;
  /** The next step; empty only where all works. */
  readonly remedy: string;
}

export interface FindingGroup {
  readonly title: string;
  readonly findings: readonly Finding[];
}

/** One hook of one tool. */
export interface HookFinding {
  readonly tool: string;
  readonly variant: string;
  readonly hook: string;
  readonly state: State;
  readonly refusal: Refusal | undefined;
}

export interface ToolFinding {
  readonly tool: string;
  readonly state: State;
  /** By which it will run; undefined when it will not. */
  readonly variant: string | undefined;
  /** Its own programs were loaded for trial, and not only its hooks tried. */
  readonly loaded: boolean;
  readonly text: string;
  readonly remedy: string;
}

export interface Diagnosis {
  readonly version: string;
  readonly groups: readonly FindingGroup[];
  readonly hooks: readonly HookFinding[];
  readonly tools: readonly ToolFinding[];
  /** Whether any tool runs. */
  readonly runs: boolean;
}

export const works = (key: string, title: string, text: string): Finding => ({ key, title, state: 'works', text, remedy: '' });
export const limited = (key: string, title: string, text: string, remedy: string): Finding => ({ key, title, state: 'limited', text, remedy });
export const fails = (key: string, title: string, text: string, remedy: string): Finding => ({ key, title, state: 'fails', text, remedy });

/** `load: EPERM` */
export const wordsOf = ({ stage, code }: Refusal): string => `${stage}: ${code}`;

/** The same command for another right, as a shell takes it. */
export function shellWords(words: readonly string[]): string {
  return words.map((word) => (/^[\w./+:@=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

export const sentence = (text: string): string => text.replace(/^[a-z]/, (first) => first.toUpperCase()).replace(/[^.]$/, '$&.');
