// Every wait of a process as one JSON line, until Ctrl-C or the end of the process.
//   sudo node examples/events-to-ndjson.mjs PID [SHORTEST] > waits.ndjson
import { futex } from 'ktrace';

const [, , pid, minWait = '0'] = process.argv;
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const session = await futex({ pid: Number(pid), minWait, events: true, signal: stop.signal });
console.error(`tracing ${pid}`);

/** JSON has no bigint: addresses become hexadecimal text, as in the command's own output. */
const hex = (_, value) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value);

for await (const wait of session.events()) console.log(JSON.stringify(wait, hex)); // ends with the session, nothing is left out

const lost = session.report().losses.filter(({ count }) => count > 0);
for (const { count, meaning } of lost) console.error(`${count} ${meaning}`);
session.close();
