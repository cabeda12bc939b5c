// Who holds the lock that others wait for longest? One line of text.
//   sudo node examples/top-holder.mjs PID [SECONDS]
import { futex } from 'ktrace';

const [pid, seconds = 5] = process.argv.slice(2).map(Number);

const session = await futex({ pid, duration: `${seconds}s`, rows: 1 }); // rows: the first of each section is enough
console.error(`tracing ${pid} for ${seconds} s`);
await session.ended(); // after the duration, or with the process
const report = session.report();
session.close();

const [lock] = report.sections.find(({ id }) => id === 'locks').rows;
const [holder] = lock?.holders ?? []; // largest part first; empty when this kind of lock names nobody
if (!lock) console.log(`no thread of ${pid} waited for a lock`);
else if (!holder) console.log(`${lock.sleeps} sleeps for ${lock.kind} ${lock.place}; its memory does not say who holds it`);
else console.log(`${holder.name} (${holder.tid}) held ${lock.kind} ${lock.place} in ${holder.count} of ${lock.sleeps} sleeps`);
