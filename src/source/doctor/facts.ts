/** Everything that `ktrace doctor` judges, collected. Nothing here throws for what the machine lacks. */
import { readlinkSync, statSync } from 'node:fs';
import { release } from 'node:os';
import type { DoctorFacts, Problem, Refusal, Trials } from '../../report/doctor/facts.js';
import { loadBinding, rebuild } from '../../native/load.js';
import type { Tool } from '../../tools/contract.js';
import { readRights, sudoCaller } from '../rights.js';
import { packageRoot, version } from '../version.js';
import { libraryFacts } from './library.js';
import { machineFacts } from './machine.js';
import { ownFiles, realPath } from './own-files.js';
import { tryTools } from './tools.js';

const SET_ID = 0o6000;

/** `command`: how ktrace was called. */
export function doctorFacts(tools: readonly Tool[], command: readonly string[]): DoctorFacts {
  const addon = addonProblem();
  const path = nodePath();
  const tried = addon ? undefined : tryTools(tools);
  return {
    version,
    command,
    kernel: { release: release(), arch: process.arch },
    ...machineFacts(),
    ...libraryFacts(),
    rights: readRights(),
    node: { version: process.version, napi: Number(process.versions.napi), path, setId: ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & SET_ID) !== 0 },
    addon,
    trials: tried && trials(path, tried.iterators),
    caller: sudoCaller()?.uid ?? process.geteuid?.() ?? 0,
    files: ownFiles(packageRoot, path, process.argv[1] ?? path),
    root: realPath(packageRoot) ?? packageRoot,
    tools: tried?.tools ?? tools.map(({ name }) => ({ name, variants: [], problem: undefined })),
  };
}

/** The program that runs, whatever argv says. */
function nodePath(): string {
  try {
    return readlinkSync('/proc/self/exe');
  } catch {
    return process.execPath;
  }
}

function addonProblem(): Problem | undefined {
  try {
    loadBinding();
    return undefined;
  } catch (error) {
    if (error instanceof Error && 'hint' in error) return { message: error.message, hint: String(error.hint) };
    return { message: `The addon cannot be loaded: ${error instanceof Error ? error.message : String(error)}`, hint: rebuild() };
  }
}

function trials(node: string, iterators: Refusal | undefined): Trials {
  const addon = loadBinding();
  return {
    libbpf: addon.libbpfVersion,
    ring: addon.refusesRing(),
    taskStorage: addon.hasTaskStorage(),
    getStack: addon.hasGetStack(),
    iterators,
    legacy: !addon.hasFindVma(),
    nodeHasFileCapabilities: addon.hasFileCapabilities(node),
  };
}
