// A watchdog for a test run: exit code 1 as soon as the process is in a deadlock, 0 when it ends by itself.
//   sudo node examples/stop-on-deadlock.mjs PID
import { setTimeout as sleep } from 'node:timers/promises';
import { futex } from 'ktrace';

const pid = Number(process.argv[2]);
const session = await futex({ pid }); // also sees a deadlock from before it started
console.error(`watching ${pid}`);

const ended = session.ended().then(() => true);
for (let over = false; !over && process.exitCode !== 1; ) {
  over = await Promise.race([ended, sleep(500, false)]);
  const { sections } = session.report();
  for (const line of sections.find(({ id }) => id === 'deadlocks').story ?? []) {
    console.log(line);
    process.exitCode = 1;
  }
}
session.close();
