/** Events as the library and ndjson give them, and as lines. */
import { formatDuration, formatSize } from '../../render/format.js';
import type { End, EndedRecord, ExecEventRecord, Image } from './model.js';
import { baseName, commandLine, quoteWord } from './names.js';
import type { News } from './lives.js';

type Told = Exclude<News, { readonly kind: 'freed' | 'left' }>;

/** `wallTime`: of a moment of CLOCK_MONOTONIC. */
export function recordOf(news: Told, alerts: readonly string[], wallTime: (ns: number) => string): ExecEventRecord {
  const { image, lost } = news;
  const { ancestors, time: began, uid, euid, ...rest } = image;
  const time = news.kind === 'exit' ? news.end.time : began;
  const common = {
    time,
    at: wallTime(time),
    ...rest,
    uid: uid < 0 ? null : uid,
    euid: euid < 0 ? null : euid,
    ancestorPids: ancestors.map(({ pid }) => pid),
    ancestors: ancestors.map(({ name }) => name),
    alerts,
    lostBefore: lost,
  };
  if (news.kind === 'exec') return { type: 'exec', ...common };
  if (news.kind === 'failed') return { type: 'failed', ...common, error: news.error };
  return { type: 'exit', ...common, ...news.end, beforeTracing: news.beforeTracing };
}

const SHORT_ID = 12;
const LONGEST_CGROUP = 24;
const SHOWN_ANCESTORS = 3;
const MOST_WORDS = 300;

/** What was executed, as it could be typed; also the path where the first word does not say it. */
export function wordsOf({ argv, argvCut, argvUnread, program, path, file }: Pick<Image, 'argv' | 'argvCut' | 'argvUnread' | 'program' | 'path' | 'file'>): string {
  const [first = ''] = argv;
  const line = argv.length === 0 ? program : commandLine(argv);
  const says = first === path || (file !== null && !first.includes('/') && first.replace(/^-/, '') === baseName(path)); // which of the paths that were tried, matters where it failed
  const shown = argv.length > 0 && !says ? `${quoteWord(path)} as ${line}` : argv.length === 0 ? quoteWord(line) : line;
  return `${shown.length > MOST_WORDS ? `${shown.slice(0, MOST_WORDS)}...` : shown}${argvCut && shown.length <= MOST_WORDS ? '...' : ''}${argvUnread ? ' (arguments not readable)' : ''}`;
}

/** The program itself, and what it calls itself. */
export const alertWords = (image: Image): string => (image.argv[0] === image.program || image.argv.length === 0 ? wordsOf(image) : `${quoteWord(image.program)} as ${commandLine(image.argv).slice(0, MOST_WORDS)}`);

/** `exit 128`, `SIGSEGV, core dumped`, `OOM-killed`. */
export function endOf({ code, signal, dumped, oom }: Pick<End, 'code' | 'signal' | 'dumped' | 'oom'>): string {
  if (oom) return 'OOM-killed';
  return signal === null ? `exit ${code ?? '?'}` : `${signal}${dumped ? ', core dumped' : ''}`;
}

/** Who: `uid 1000, by bash 4100 < sshd 900`, with the container, or the last part of the cgroup. */
function origin({ uid, euid, ancestors, ancestorPids, container, cgroup }: ExecEventRecord): string {
  const users = uid === null ? [] : [`uid ${uid}${euid !== null && euid !== uid ? ` as ${euid}` : ''}`];
  const above = ancestors.slice(0, SHOWN_ANCESTORS).map((name, i) => `${quoteWord(name)} ${ancestorPids[i] ?? 0}`).join(' < ');
  const where = container !== null ? [`container ${container.slice(0, SHORT_ID)}`] : cgroup !== '' && cgroup !== '/' ? [`cgroup ${quoteWord(baseName(cgroup).slice(0, LONGEST_CGROUP))}`] : [];
  return [...users, ...(above === '' ? [] : [`by ${above}`]), ...where].join(', ');
}

const lifeOf = ({ lifetimeNs, cpuNs, peakBytes, cpuIsWhole, isZombie, beforeTracing }: EndedRecord): string =>
  `${beforeTracing ? 'after ' : 'lived '}${formatDuration(lifetimeNs)}, CPU ${cpuIsWhole ? '' : 'at least '}${formatDuration(cpuNs)}, peak ${formatSize(peakBytes)}${isZombie ? ', not waited for' : ''}`;

const MARKS = { exec: '+', failed: '!', exit: '-' } as const;

/** Texts of processes in it are hostile. */
export function lineOf(record: ExecEventRecord): string {
  const { type, at, pid, alerts } = record;
  const alarm = alerts.length === 0 ? '' : `ALERT ${alerts.join(', ')}: `;
  const clock = at.slice(at.indexOf('T') + 1, -1);
  return `${clock} ${MARKS[type]} ${String(pid).padStart(7)} ${alarm}${what(record)}`;
}

function what(record: ExecEventRecord): string {
  if (record.type === 'exec') return `${wordsOf(record)}  [${origin(record)}]`;
  if (record.type === 'failed') return `${wordsOf(record)}  ${record.error}  [${origin(record)}]`;
  return `${quoteWord(record.program)}  ${endOf(record)}, ${lifeOf(record)}`;
}
