import t from 'tap';
import { FutexOp, FutexOutcome, type FutexEvent } from '../../../src/generated/futex.js';
import { recordOf } from '../../../src/tools/futex/events.js';
import { renderEvent } from '../../../src/render/events.js';
import { key } from './snapshots.js';

const EVENT: FutexEvent = {
  lock: key(0x55810000_80a0n), end: 12e9, waitNs: 3e6, sleepNs: 1e6, uaddr: 0x5581_0000_80a0n, tgid: 4242, tid: 4243, op: FutexOp.FUTEX_OP_WAIT, outcome: FutexOutcome.FUTEX_WOKEN, error: 0,
  holder: 4245, wakerTid: 4245, wakerTgid: 4242, comm: 'worker-1', wakerComm: 'worker-3', lost: 7,
};

t.test('a wait that ended says who, where, how long and by whom', (t) => {
  t.strictSame(recordOf(EVENT, 'server+0x80a0'), {
    type: 'wait', end: 12e9, pid: 4242, tid: 4243, thread: 'worker-1', lock: 'server+0x80a0', address: 0x5581_0000_80a0n, operation: 'FUTEX_WAIT', outcome: 'woken', waitNs: 3e6, sleepNs: 1e6,
    holder: 4245, wakerTid: 4245, waker: 'worker-3', lostBefore: 7,
  });
  t.end();
});

t.test('each outcome has its word', (t) => {
  const word = (outcome: number): string => recordOf({ ...EVENT, outcome }, '').outcome;
  const { FUTEX_WOKEN, FUTEX_TIMEDOUT, FUTEX_NEVER_SLEPT, FUTEX_INTERRUPTED, FUTEX_ERROR } = FutexOutcome;
  t.strictSame([FUTEX_WOKEN, FUTEX_TIMEDOUT, FUTEX_NEVER_SLEPT, FUTEX_INTERRUPTED, FUTEX_ERROR, 77].map(word), ['woken', 'timedOut', 'neverSlept', 'interrupted', 'failed', 'failed']);
  t.end();
});

t.test('who came by while a wait ended by itself did not end it', (t) => {
  t.match(recordOf({ ...EVENT, outcome: FutexOutcome.FUTEX_TIMEDOUT }, ''), { wakerTid: 0, waker: '' });
  t.match(recordOf({ ...EVENT, wakerTid: 0 }, ''), { wakerTid: 0, waker: '' }, 'nor a name without an id');
  t.end();
});

t.test('every operation has a name, and one that we do not know is other', (t) => {
  for (const [name, op] of Object.entries(FutexOp)) {
    if (name === 'FUTEX_OPS') continue;
    const { operation } = recordOf({ ...EVENT, op }, '');
    t.ok(name === 'FUTEX_OP_OTHER' ? operation === 'other' : /^(FUTEX_|futex_)/.test(operation), `${name}: ${operation}`);
  }
  t.equal(recordOf({ ...EVENT, op: 200 }, '').operation, 'other');
  t.end();
});

t.test('hostile names stay one line of JSON', (t) => {
  const line = renderEvent({ ...recordOf({ ...EVENT, comm: 'a\n"},{\x1b[2J', wakerComm: '\u202e' }, '/tmp/\r\nx') }, { address: 'address' });
  t.equal(line.indexOf('\n'), line.length - 1);
  t.match(JSON.parse(line), { thread: 'a\n"},{\x1b[2J', lock: '/tmp/\r\nx', address: '0x5581000080a0' });
  t.notMatch(line, /[\x1b\u202e\r]/);
  t.end();
});
