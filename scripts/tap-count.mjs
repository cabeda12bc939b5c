// Counts what TAP streams say and prints what is not well. Shared by what runs tests.
import { inspect } from 'node:util';

export const totals = { passed: 0, failed: 0, skipped: 0 };

/**
 * Counts the assertions of one level and those below, and returns how many it saw. A subtest counts as what is in it;
 * as one when there is nothing in it, or when it failed on its own account (crash, timeout, wrong plan). At the top
 * level the subtests are the test files: `ended` collects their names.
 */
export function watch(parser, path, ended) {
  let count = 0;
  let countInside = () => 0;
  let failedBefore = totals.failed;
  parser.on('child', (child) => {
    failedBefore = totals.failed;
    countInside = watch(child, [...path, child.name]);
  });
  parser.on('assert', (result) => {
    const name = [...path, result.name].join(' > ');
    if (countInside() === 0) leaf(name, result, ended !== undefined);
    else if (!result.ok && totals.failed === failedBefore) fail(name, details(result.diag));
    if (ended && result.name.endsWith('.ts')) endFile(result, totals.failed > failedBefore, ended);
    count++;
    countInside = () => 0;
    failedBefore = totals.failed;
  });
  return () => count;
}

function leaf(name, result, isFile) {
  const reason = [result.skip, result.todo].find((word) => typeof word === 'string');
  if (isFile && result.ok && (reason ?? 'no tests found') === 'no tests found') fail(name, 'asserts nothing');
  else if (result.skip || result.todo) skip(name, reason);
  else if (result.ok) totals.passed++;
  else fail(name, details(result.diag));
}

function endFile(result, failed, ended) {
  ended.add(result.name);
  const seconds = ((result.time ?? 0) / 1000).toFixed(1);
  console.log(`${failed ? 'FAIL' : 'ok  '} ${result.name} (${seconds} s)`);
}

/** tap's `t.skip('why')` has its reason as its name. */
export function skip(name, reason) {
  totals.skipped++;
  console.log(`skip ${name}${reason ? `: ${reason}` : ''}`);
}

export function fail(name, why = '') {
  totals.failed++;
  console.log(`FAIL ${name}`);
  const lines = why.trimEnd().split('\n').map((line) => (line.length > 300 ? `${line.slice(0, 300)}… (whole in build/test/)` : line));
  if (why.trim()) console.log(lines.map((line) => `     ${line}`).join('\n'));
}

/** What tap says about a failure, without the parts that only repeat the source or the command line. */
function details(diag) {
  const { source, stdio, cwd, externalID, command, args, jobId, ...rest } = diag || {};
  const { at, ...told } = rest;
  const place = at ? [`at ${at.fileName}:${at.lineNumber}`] : [];
  return [...place, ...Object.entries(told).map(([key, value]) => `${key}: ${text(value)}`)].join('\n');
}

function text(value) {
  return typeof value === 'string' ? (value.includes('\n') ? `\n${value}` : value) : inspect(value, { depth: 6 });
}
