/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the programs and user space share, and the maps. */
#ifndef EXEC_BPF_H
#define EXEC_BPF_H

#include <ktrace/cgroup.bpf.h>
#include <ktrace/events.bpf.h>
#include <ktrace/follow.bpf.h>

#define ANCESTORS 6	      /* told of each process */
#define TEXT_BYTES 512	      /* in one event; more of them follow */
#define MOST_ARGV (32 << 10)  /* bytes; what is longer is cut */
#define MOST_NAME 4096	      /* PATH_MAX, include/uapi/linux/limits.h */
#define SCRATCH_BYTES (1 << 16) /* of text: more than all names and MOST_ARGV */
#define USERS 16

/* In the order in which they come for one process. */
enum exec_kind {
	EXEC_MORE,    /* text of the event that follows, which has the beginning of it */
	EXEC_STARTED, /* a process has become a program */
	EXEC_FAILED,  /* it could not */
	EXEC_ENDED,   /* the last thread of a process has ended */
	EXEC_FREED,   /* its parent has taken note: the CPU time is whole now */
	EXEC_LEFT,    /* it has become a program that is not traced */
	EXEC_KINDS,
};
KTRACE_ENUM_ANCHOR(exec_kind);

enum exec_flag {
	EXEC_DELETED = 1,   /* the executed file has no name any more, or never had one (memfd_create(2)) */
	EXEC_CUT = 2,	    /* there were more arguments */
	EXEC_UNREAD = 4,    /* path or arguments could not be read: their page is not in memory */
	EXEC_DEEP = 8,	    /* a path had more components than are told: its beginning is missing */
	EXEC_OOM = 16,	    /* the kernel had chosen it because memory had run out */
	EXEC_EARLIER = 32,  /* it had become what it was before tracing */
};
KTRACE_ENUM_ANCHOR(exec_flag);

struct exec_ancestor {
	ktrace_pid tgid; /* 0: none, or one that cannot be seen from ktrace's pid namespace */
	ktrace_comm comm; /* of its first thread */
	__u32 _zero;
};

/*
 * `text` is a list of texts, each with a zero behind it: the path as it was given, the interpreter of a script or the same path, the
 * components of the working directory from the last to the first and an empty text, those of the executed file and an empty text, those of
 * the cgroup and an empty text, and the arguments. It is not initialised behind `text_bytes`.
 */
struct exec_event {
	ktrace_ktime time;
	ktrace_ktime process_began; /* with `tgid`: which process it is, whoever else has had that id */
	ktrace_ktime began; /* as the program that this is about: `time` of its EXEC_STARTED; 0: before tracing */
	ktrace_ns cpu;	    /* of the process, of all its threads; until EXEC_FREED at least so much */
	ktrace_bytes peak;  /* resident at most, as getrusage(2) tells: before it became this program, too */
	ktrace_pid tgid;
	ktrace_tid tid;	    /* the thread that called; its id before, if it became the first one */
	__u32 uid;
	__u32 euid;
	__s32 dirfd;	    /* of execveat(2) that failed; AT_FDCWD otherwise */
	__s32 status;	    /* as wait(2) has it */
	ktrace_errno error;
	__u8 kind;	    /* enum exec_kind */
	__u8 flags;	    /* enum exec_flag */
	__u16 text_bytes;   /* in this event */
	__u32 text_whole;   /* in all events */
	__u32 part;	    /* of EXEC_MORE, from 1 */
	__u32 lost;	    /* events of this CPU before it */
	__u32 _zero;
	ktrace_comm comm;
	struct exec_ancestor ancestors[ANCESTORS]; /* from the parent on; one without an id ends the list */
	__u8 text[TEXT_BYTES];
};

/* Of the first thread of each traced process. */
struct exec_state {
	ktrace_ktime began; /* as a program; 0: before tracing */
	ktrace_ktime ended; /* 0: it has not */
	ktrace_pid tgid;    /* which its task has no more when it is freed */
	__u32 _zero;
};
KTRACE_ANCHOR(exec_state);

/* The process of a task that has a state, for those whose end was not told. */
struct exec_living {
	ktrace_ktime process_began;
	ktrace_pid tgid;
	__u32 _zero;
};
KTRACE_ANCHOR(exec_living);

#define SCRATCHES 3 /* for each CPU: a program that preempts another one has its own */

struct exec_scratch {
	__u32 used;
	__u32 flags; /* enum exec_flag */
	__u8 text[SCRATCH_BYTES + MOST_ARGV];
};

const volatile bool from_exec; /* tell nothing before the target has become the command that it launches */
const volatile __u32 users[USERS]; /* real ids of users to be traced */
const volatile __u32 users_count;  /* 0: all */

/* Set with the first successful exec. */
__u32 command_runs;

/* Execs that were to be told, and events that were not since the ring was full, by enum exec_kind. */
KTRACE_COUNTERS(hits, enum exec_kind, EXEC_KINDS)
KTRACE_COUNTERS(missed, enum exec_kind, EXEC_KINDS)
KTRACE_COUNTERS(stateless, __u32, 1) /* processes whose end will not be told: no memory for their state */
KTRACE_RING(events, exec_event, 4 << 20)
KTRACE_STATES(states, struct exec_state)

/* Where a program puts texts together. User space sizes it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SCRATCHES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct exec_scratch)); /* of no type: user space has no use for it */
} scratch SEC(".maps");

#endif
