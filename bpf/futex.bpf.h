/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What futex.bpf.c and user space share: the keys, totals, events and per-thread state of `ktrace futex`. */
#ifndef FUTEX_BPF_H
#define FUTEX_BPF_H

#include <linux/errno.h>
#include <linux/futex.h>
#include <ktrace/threads.bpf.h>

#define FUTEX_HAS_TIMEOUT (1 << 16) /* ours, beside FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME */
#define EVIDENCE_BEFORE 48 /* bytes kept from before the futex word: a condition variable begins that far ahead */
#define EVIDENCE_BEHIND 48
#define EVIDENCE_BYTES (EVIDENCE_BEFORE + EVIDENCE_BEHIND)

/* futex(2) commands keep their numbers (linux/futex.h); the calls of their own follow. */
enum futex_op {
	FUTEX_OP_WAIT = FUTEX_WAIT,
	FUTEX_OP_WAKE = FUTEX_WAKE,
	FUTEX_OP_REQUEUE = FUTEX_REQUEUE,
	FUTEX_OP_CMP_REQUEUE = FUTEX_CMP_REQUEUE,
	FUTEX_OP_WAKE_OP = FUTEX_WAKE_OP,
	FUTEX_OP_LOCK_PI = FUTEX_LOCK_PI,
	FUTEX_OP_UNLOCK_PI = FUTEX_UNLOCK_PI,
	FUTEX_OP_TRYLOCK_PI = FUTEX_TRYLOCK_PI,
	FUTEX_OP_WAIT_BITSET = FUTEX_WAIT_BITSET,
	FUTEX_OP_WAKE_BITSET = FUTEX_WAKE_BITSET,
	FUTEX_OP_WAIT_REQUEUE_PI = FUTEX_WAIT_REQUEUE_PI,
	FUTEX_OP_CMP_REQUEUE_PI = FUTEX_CMP_REQUEUE_PI,
	FUTEX_OP_LOCK_PI2 = 13,
	FUTEX_OP_WAITV = 16,   /* futex_waitv(2) */
	FUTEX_OP_WAIT2 = 17,   /* futex_wait(2) */
	FUTEX_OP_WAKE2 = 18,   /* futex_wake(2) */
	FUTEX_OP_REQUEUE2 = 19, /* futex_requeue(2) */
	FUTEX_OP_OTHER = 20,
	FUTEX_OPS = 21,
};

enum futex_outcome {
	FUTEX_WOKEN,       /* slept and was woken; wakes: woke at least one thread */
	FUTEX_TIMEDOUT,    /* ETIMEDOUT */
	FUTEX_NEVER_SLEPT, /* EAGAIN: the word had changed; LOCK_PI: free at once; wakes: nobody was waiting */
	FUTEX_INTERRUPTED, /* EINTR, ERESTART*: a signal; the kernel or the program goes on */
	FUTEX_ERROR,       /* any other errno */
	FUTEX_OUTCOMES,
	FUTEX_ADOPTED = 6, /* slots of `calls`, not outcomes: the call was going on when tracing began */
	FUTEX_ENTERED = 7, /* the call began */
};

enum futex_scope {
	FUTEX_PRIVATE,       /* address: virtual; space: start time of the process */
	FUTEX_SHARED,        /* address: offset in the file; space: inode */
	FUTEX_SHARED_UNKNOWN, /* shared, but the mapping could not be read: as private */
};

struct futex_key {
	ktrace_addr address;
	ktrace_id64 space;
	ktrace_pid tgid;   /* private: the process, else 0 */
	__u32 exec_id;     /* private: how many images the process had before this one */
	__u32 dev;         /* shared: device, major << 20 | minor */
	enum futex_scope scope;
};

/* A wait as it was asked for. */
struct futex_call {
	ktrace_addr uaddr;
	enum futex_op op;
	__u32 val;
	__u32 flags; /* FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME, FUTEX_HAS_TIMEOUT */
	__u32 _reserved;
};

struct futex_lock {
	ktrace_ktime first_seen;
	ktrace_ktime last_seen;
	ktrace_count acquisitions; /* one each time a thread wanted the lock and slept, however often it slept for it */
	ktrace_count sleeps;
	ktrace_count outcomes[FUTEX_OUTCOMES];
	ktrace_ns total_ns; /* from the beginning of each acquisition to the end of its last sleep */
	ktrace_count waiting; /* threads waiting now */
	ktrace_count wake_calls;
	ktrace_count woken_threads; /* Σ of what the wake calls returned */
	ktrace_count moved; /* waiters that were requeued: woken through another address */
	ktrace_addr moved_to;
	struct futex_call call; /* of the first waiter, in process `tgid` */
	ktrace_pid tgid;
	__u32 evidence_from; /* bytes before the word at evidence[0]; evidence is empty while evidence_size is 0 */
	__u32 evidence_size;
	__u32 preexisting; /* waits that began before tracing */
	ktrace_raw evidence[EVIDENCE_BYTES]; /* memory around the word when the first waiter was about to sleep */
	ktrace_count histogram[HISTOGRAM_SLOTS]; /* acquisitions by duration */
};

enum futex_role { FUTEX_WAITER, FUTEX_HOLDER, FUTEX_RELEASER };

/* One thread's part in one lock. */
struct futex_part_key {
	struct futex_key lock;
	ktrace_tid tid; /* holders: as the target's pid namespace numbers it */
	enum futex_role role;
};

struct futex_part {
	ktrace_count acquisitions; /* waiters only */
	ktrace_count sleeps;
	ktrace_ns ns;
	ktrace_ns max_ns;         /* waiters only, written by that thread alone: longest acquisition */
	ktrace_count max_waiting; /* waiters only, written by that thread alone: most waiters it saw, itself among them */
	ktrace_pid tgid;          /* 0 for holders: not known */
	__u32 _reserved;
	ktrace_comm comm; /* not for holders */
};

struct futex_calls {
	ktrace_count calls;
	ktrace_count threads; /* wakes: Σ of results */
};

enum futex_drop { FUTEX_DROP_STATE, FUTEX_DROP_LOCK, FUTEX_DROP_STALE, FUTEX_DROP_BACKWARDS, FUTEX_FILTERED, FUTEX_UNMATCHED,
		  FUTEX_PREEXISTING, FUTEX_UNRESOLVED, FUTEX_WAKE_STALE, FUTEX_DYING, FUTEX_DIED, FUTEX_DROPS };

enum futex_phase { FUTEX_IDLE, FUTEX_WAITING, FUTEX_RESTARTING };

/* What came of a wake that was open when tracing ended: in `waking`. */
enum futex_wake {
	FUTEX_WAKE_UNDER_WAY = 0x100, /* it ended after that */
	FUTEX_WAKE_UNSEEN = 0x200,    /* something else began: it had ended before */
};

/* Whether the next wait of a thread on the same key goes on with its acquisition. */
enum futex_open {
	FUTEX_CLOSED,
	FUTEX_OPEN,      /* yes: a signal interrupted it */
	FUTEX_OPEN_LOCK, /* if the word says locked: woken, and lost the race for the lock */
};

/* What a thread is doing; lives in task storage, so that it goes with the thread. */
struct futex_state {
	ktrace_ktime begin;      /* of the acquisition */
	ktrace_ktime call_begin; /* of this sleep */
	ktrace_ns accounted;     /* of this acquisition so far in the totals */
	struct futex_key key;    /* of the acquisition */
	struct futex_call call;
	ktrace_id64 space; /* of this process, for keys */
	ktrace_addr waitv; /* futex_waitv: its array */
	__u64 nvcsw;       /* voluntary context switches at the beginning */
	__u32 exec_id;     /* of this image, for keys */
	enum futex_phase phase;
	enum futex_open open;
	ktrace_tid holder; /* candidate; believed only after user space's checks */
	__u32 lock_like;   /* the word says mutex: a wait after a wake goes on with the same acquisition */
	__u32 counted;     /* in `waiting` of the lock */
	__u32 seen_waiting;
	__u32 preexisting;
	ktrace_ktime unseen_end; /* should nobody see its end: when it was last woken, else 0 */
	__s32 unseen_result;     /* and with what result, as far as the waker tells */
	__u16 in_doubt;       /* the word had changed: not likely to sleep; key and begin are not this call's yet */
	__u16 waking;         /* 1 + the operation of the wake call that it is in, where ends may go unseen; and FUTEX_WAKE_… */
	ktrace_tid waker_tid; /* who made this thread runnable */
	ktrace_pid waker_tgid;
	ktrace_addr waker_uaddr;
	ktrace_comm waker_comm;
	ktrace_count pending; /* calls like pending_call that never slept and are in no row yet */
	struct futex_call pending_call;
	struct futex_key pending_key;
};

/* One thread as the iterator finds it: this, and behind it the thread's state, which is too much for one BPF stack. */
#define FUTEX_FOUND                                                                                \
	ktrace_ktime now;                                                                          \
	ktrace_clock last_ran; /* and the same for ktrace itself, just now: the difference is an age */ \
	ktrace_clock clock_now;                                                                    \
	ktrace_id64 start_time;                                                                    \
	ktrace_addr args[6];                                                                       \
	__s64 syscall; /* -1: not inside one */                                                    \
	ktrace_tid tid;                                                                            \
	ktrace_pid tgid;                                                                           \
	ktrace_tid own_tid;                                                                        \
	__u32 exec_id;                                                                             \
	__u32 sleeping;                                                                            \
	__u32 waits; /* it is in a wait and passes the filters; else its state has something to add */  \
	ktrace_comm comm;

struct futex_found {
	FUTEX_FOUND
};

struct futex_task {
	FUTEX_FOUND
	struct futex_state state;
};

/* One wait that ended. */
struct futex_event {
	struct futex_key lock;
	ktrace_ktime end;
	ktrace_ns wait_ns;  /* of the acquisition so far */
	ktrace_ns sleep_ns; /* of this sleep */
	ktrace_addr uaddr;
	ktrace_pid tgid;
	ktrace_tid tid;
	enum futex_op op;
	enum futex_outcome outcome;
	ktrace_errno error;
	ktrace_tid holder;
	ktrace_tid waker_tid;
	ktrace_pid waker_tgid;
	ktrace_comm comm;
	ktrace_comm waker_comm;
	__u32 lost; /* events of this CPU before it */
	__u32 _zero;
};

#endif
