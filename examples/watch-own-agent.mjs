// A service that watches itself: the report of its own threads as one JSON line every 5 seconds, each with what came since the last.
//   sudo node examples/watch-own-agent.mjs [SECONDS]
import { futex, renderNdjson } from 'ktrace';

const seconds = Number(process.argv[2] ?? 5);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());

// includeSelf: a process is left out of its own traces unless it asks for them.
const session = await futex({ pid: process.pid, includeSelf: true, signal: stop.signal });
console.error(`watching ${process.pid}`);

const timer = setInterval(() => process.stdout.write(renderNdjson(session.report({ interval: true }))), seconds * 1000);
await session.ended();
clearInterval(timer);
session.close();
