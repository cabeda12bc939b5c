/** Judges Node.js, the addon, and who could change the files of ktrace. */
import type { DoctorFacts, OwnFile } from './facts.js';
import { fails, limited, sentence, shellWords, works, type Finding } from './model.js';

const OLDEST_NODE = [20, 19] as const;
const NAPI = 8;

export function judgePackage(facts: DoctorFacts): Finding[] {
  return [node(facts), addon(facts), files(facts)];
}

function node({ node: { version, napi } }: DoctorFacts): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [wantedMajor, wantedMinor] = OLDEST_NODE;
  const old = major < wantedMajor || (major === wantedMajor && minor < wantedMinor) || napi < NAPI;
  return old ? fails('node', 'Node.js', `${version}, with Node-API ${napi}`, `Install Node.js ${OLDEST_NODE.join('.')} or newer.`) : works('node', 'Node.js', `${version}, with Node-API ${napi}`);
}

function addon({ addon: problem, version, trials }: DoctorFacts): Finding {
  if (problem) return fails('addon', 'addon', sentence(problem.message), sentence(problem.hint));
  return works('addon', 'addon', `ktrace ${version}, with libbpf ${trials?.libbpf ?? 'unknown'}`);
}

const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
const STICKY = 0o1000;
const DIRECTORY = 0o040000;
const LINK = 0o120000;
const KIND = 0o170000;

/** Only with rights does it matter who could put code of his into what runs with them. */
function files(facts: DoctorFacts): Finding {
  const [key, title] = ['own-files', 'own files'];
  const { rights, caller } = facts;
  const privileged = rights === undefined || rights.euid === 0 || rights.effective.length > 0;
  if (rights?.inUserNamespace) return works(key, title, 'Not looked at: users here are those of a user namespace.');
  if (!privileged) return works(key, title, 'Not looked at: without rights it does not matter who can change them.');
  const open = facts.files.flatMap((file) => whoWrites(file, facts) ?? []);
  const [first] = open;
  if (!first) return works(key, title, `Nobody but root${caller === 0 ? '' : ` and user ${caller}`} can change them.`);
  const more = open.length > 1 ? ` So are ${open.length - 1} more.` : '';
  return limited(key, title, `${first.path} can be changed by ${first.who}, who would get your rights.${more}`, first.remedy);
}

/** In a sticky directory others can add files, and change none but their own. */
function whoWrites(file: OwnFile, facts: DoctorFacts): { path: string; who: string; remedy: string } | undefined {
  const { path, uid, gid, mode } = file;
  const { caller, rights } = facts;
  if (isLink(file) && !inSharedDirectory(file, facts.files)) return undefined; // who may replace it, may write to its directory
  const sudo = rights?.euid === 0 ? '' : 'sudo ';
  const without = (bits: string): string => `\`${sudo}chmod ${bits} ${shellWords([path])}\`, then run it again.`;
  if (uid !== 0 && uid !== caller) return { path, who: `user ${uid}`, remedy: takeFrom(file, facts, sudo) };
  if (isLink(file) || isShared(file)) return undefined;
  if ((mode & OTHERS_WRITE) !== 0) return { path, who: 'everybody', remedy: without('go-w') };
  if ((mode & GROUP_WRITES) !== 0 && gid !== 0) return { path, who: `group ${gid}`, remedy: without('g-w') };
  return undefined;
}

const isLink = ({ mode }: OwnFile): boolean => (mode & KIND) === LINK;
const isShared = ({ mode }: OwnFile): boolean => (mode & KIND) === DIRECTORY && (mode & STICKY) !== 0;
const inSharedDirectory = ({ path }: OwnFile, files: readonly OwnFile[]): boolean => files.some((file) => file.path === (path.slice(0, path.lastIndexOf('/')) || '/') && isShared(file));

const COPY = '/opt/ktrace';

/** Whose home a directory is, it stays. */
function takeFrom({ path, of }: OwnFile, { root, node }: DoctorFacts, sudo: string): string {
  const within = (inner: string, outer: string): boolean => outer === '/' || inner === outer || inner.startsWith(`${outer}/`);
  if (within(COPY, path)) return `\`${sudo}chown -h root ${shellWords([path])}\`, then run it again.`;
  if (of === 'node') return 'Run it with a Node.js that root has installed.';
  if (of === 'call') return `Call it by its own path: \`${shellWords([node.path, `${root}/dist/cli/main.js`, 'doctor'])}\`.`;
  if (within(path, root)) return `\`${sudo}chown -R root ${shellWords([root])}\`, then run it again.`;
  return `Run a copy of root's: \`${sudo}cp -rL ${shellWords([root])} ${COPY}\`.`;
}
