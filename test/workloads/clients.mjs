// COUNT attempts to connect of each KIND:PORT:ADDRESS[,ADDRESS] at once, by Node's own net.connect, and what it said of each.
// plain: until there is an answer. impatient: for 50 ms. eyeballs: the second address when the first has not answered for 100 ms (RFC 8305).
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const PATIENCE_MS = 50;
const [count, ...kinds] = process.argv.slice(2);

/** @returns {Promise<{kind: string, address: string, error: string | null, tried: string[]}>} */
function attempt(kind, port, addresses) {
  return new Promise((resolve) => {
    const tried = [];
    const lookup = (_name, { all }, done) => {
      const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      setImmediate(() => {
        if (all) done(null, found);
        else done(null, found[0].address, found[0].family);
        if (kind === 'impatient') giveUp(performance.now()); // by now it connects
      });
    };
    const socket = connect({ host: 'peer.example', port, lookup, autoSelectFamily: addresses.length > 1, autoSelectFamilyAttemptTimeout: 100 });
    const tell = (error) => resolve({ kind, address: socket.remoteAddress ?? addresses[0], error, tried });
    const giveUp = (begun) => {
      const left = PATIENCE_MS - (performance.now() - begun);
      if (left > 0) return void setTimeout(giveUp, left, begun); // timers count from where the event loop was
      tell('EINPROGRESS');
      socket.destroy();
    };
    socket.on('connectionAttempt', (address) => tried.push(address));
    socket.once('error', ({ code }) => tell(code));
    socket.once('connect', () => {
      tell(null);
      socket.destroy();
    });
  });
}

console.log(`ready ${process.pid}`);
createInterface({ input: process.stdin }).once('line', async () => {
  const attempts = [];
  for (const each of kinds) {
    const [, kind, port, addresses] = /^(\w+):(\d+):(.*)$/.exec(each);
    attempts.push(...(await Promise.all(Array.from({ length: Number(count) }, () => attempt(kind, Number(port), addresses.split(','))))));
  }
  console.log(JSON.stringify({ attempts }));
});
