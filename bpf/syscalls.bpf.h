/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the programs and user space share, and the maps. */
#ifndef SYSCALLS_BPF_H
#define SYSCALLS_BPF_H

#include <linux/errno.h>
#include <ktrace/threads.bpf.h>

#define CALLS_PER_ABI 512
#define OTHER_CALL (CALLS_PER_ABI - 1) /* all numbers from there on: there are no such calls, or those of x32 */
#define MAX_ERRNO 4095 /* include/linux/err.h */

/* Numbers of system calls, a bit for each: 512 of this machine's, then 512 of its 32-bit programs. */
#define CALL_SET(name) const volatile __u64 name[2 * CALLS_PER_ABI / 64]

enum syscalls_phase {
	SYSCALLS_OUTSIDE,
	SYSCALLS_INSIDE,
	SYSCALLS_STARTING,    /* in the call that may make the launcher the command; counts if it does */
	SYSCALLS_INTERRUPTED, /* left with ERESTART…: goes on, or ends where the thread next makes another call */
};

/* Why a call is in no row; SYSCALLS_PREEXISTING is none: calls that had begun before tracing. */
enum syscalls_drop {
	SYSCALLS_PREEXISTING,
	SYSCALLS_NO_MEMORY, /* no state for the thread */
	SYSCALLS_STALE,	    /* its end was not seen: the next call of the thread was */
	SYSCALLS_BACKWARDS, /* by the clock it ended before it began */
	SYSCALLS_FILTERED,  /* shorter than min_wait_ns, or without such an error */
	SYSCALLS_DYING,	    /* in flight when tracing ended; its thread is about to be counted in SYSCALLS_DIED */
	SYSCALLS_DIED,	    /* in flight when tracing ended; its thread has died since */
	SYSCALLS_LIMITED,   /* not sent as an event: there had been events_per_second of that call; no drop, it is in its row */
	SYSCALLS_DROPS,
};
KTRACE_ENUM_ANCHOR(syscalls_drop);

/* Where calls are counted when they begin; the first of them by the program on sys_enter alone. */
enum syscalls_hit {
	HIT_ENTERED,
	HIT_EXECED,
	HITS,
};

/* What rows are kept by, beside the call. */
enum syscalls_by {
	SYSCALLS_BY_CALL, /* alone: each CPU has rows of its own in cpu_rows, and user space adds them up */
	SYSCALLS_BY_PROCESS,
	SYSCALLS_BY_THREAD,
	SYSCALLS_BY_CGROUP,
};
KTRACE_ENUM_ANCHOR(syscalls_by);

struct syscalls_key {
	ktrace_id64 id; /* as enum syscalls_by says */
	__u16 nr;
	__u8 compat; /* a 32-bit program's number */
	__u8 waits;  /* by design */
	__u32 _zero;
};

struct syscalls_row {
	ktrace_count errors;
	ktrace_count first_errors; /* with first_error, in cpu_rows; other errors are counted in `errors` */
	ktrace_count died;
	ktrace_count preexisting; /* began before tracing: timed by when their threads last got on a CPU */
	ktrace_ns total_ns;
	ktrace_ns max_ns;
	ktrace_errno first_error; /* the first that this CPU saw */
	__u32 _zero;
	ktrace_count histogram[HISTOGRAM_SLOTS]; /* of those that returned, or never will: exit, and a thread that died inside */
};

#define CPU_ROWS 256
#define CALL_KINDS (4 * CALLS_PER_ABI) /* number + 512 if of a 32-bit program + 1024 if waiting by design */

/* Which of its cpu_rows a CPU has given to which call. */
struct syscalls_slots {
	__u16 slot_of[CALL_KINDS]; /* 1 + the index of the row; 0: it has none */
	__u16 kind_of[CPU_ROWS];
	__u32 taken;
	__u32 _zero;
};

struct syscalls_error {
	struct syscalls_key key;
	ktrace_errno error;
	__u32 _zero;
};

struct syscalls_state {
	ktrace_ktime begin; /* or, if it began before tracing, when its thread last got on a CPU */
	ktrace_ktime left;  /* of an interrupted call */
	ktrace_addr stack;  /* the user's stack pointer then: a handler has another */
	__u32 pointed;	    /* of a PIECE_POINTED; 0 where its beginning was not seen */
	__u16 nr;
	__u8 compat;
	__u8 phase; /* enum syscalls_phase */
	__u8 preexisting;
	__u8 waits; /* by design; known where the call was interrupted */
	__u8 _zero[6];
};
KTRACE_ANCHOR(syscalls_state);

#define PIECE_BYTES 160
#define PIECES 2 /* of memory, of one call */
#define FILES 2	 /* descriptors, of one call */

/* How long a piece of memory is that an argument points to. */
enum syscalls_piece_how {
	PIECE_NONE,
	PIECE_TEXT,	/* to its zero */
	PIECE_FIXED,	/* `count` elements */
	PIECE_ARGUMENT, /* as many elements as argument `count` says */
	PIECE_POINTED,	/* as many as the int says that argument `count` points to, when the call began and when it ended */
	PIECE_RESULT,	/* as many as the call returned, but no more than argument `count` says */
};
KTRACE_ENUM_ANCHOR(syscalls_piece_how);

/* In piece_table: which memory of a call is of interest. */
struct syscalls_piece_kind {
	__u8 how; /* enum syscalls_piece_how */
	__u8 argument; /* index of the one that has the address */
	__u8 unit; /* bytes of an element */
	__u8 count;
};

enum syscalls_event_flag {
	EVENT_NO_RETURN = 1, /* it ended with its thread */
	EVENT_PREEXISTING = 4, /* it began before tracing */
	EVENT_NO_ARGS = 2,   /* the registers are those of another call */
	EVENT_EXECED = 8,    /* the registers are those of the new program: its pieces are its path and its arguments */
};
KTRACE_ENUM_ANCHOR(syscalls_event_flag);

struct syscalls_piece {
	__s32 bytes; /* of a text with its zero; 0: not of interest, less: could not be read */
	__u32 whole; /* as long it would have been; of a text: one more than `bytes` if there is more */
	__u8 data[PIECE_BYTES]; /* cut */
};

struct syscalls_file {
	ktrace_id64 inode; /* 0: none */
	__u32 device;	   /* as the kernel has it: major number << 20 | minor number */
	__u32 _zero;
	ktrace_comm name; /* where all have one inode, of those that notify */
};

/* One call that is over. What is behind the bytes of a piece is not initialised. */
struct syscalls_event {
	ktrace_ktime end;
	ktrace_ns took;
	ktrace_id64 args[6];
	ktrace_id64 result; /* signed */
	struct syscalls_file files[FILES]; /* behind the first descriptors among the arguments, when the call ended */
	ktrace_pid tgid;
	ktrace_tid tid;
	__u16 nr;
	__u8 compat;
	__u8 flags; /* enum syscalls_event_flag */
	__u32 lost; /* events of this CPU before it */
	ktrace_comm comm;
	struct syscalls_piece pieces[PIECES];
};

/* How many of one call were sent in one second, by each CPU. */
struct syscalls_rate {
	ktrace_ktime until; /* the end of the second that is counted */
	ktrace_count sent;
};

/* A thread, and the call that it is in. */
struct syscalls_task {
	ktrace_pid tgid;
	ktrace_tid tid;
	ktrace_ktime now;
	ktrace_clock last_ran;
	ktrace_clock clock_now;
	ktrace_id64 args[6];
	__s32 nr; /* by its registers */
	__u8 compat;
	__u8 sleeping;
	__u8 waits; /* by design */
	__u8 _zero;
	ktrace_comm comm;
	struct syscalls_state state;
};
KTRACE_ANCHOR(syscalls_task);

const volatile ktrace_ns min_wait_ns;
const volatile bool from_exec; /* count nothing before the target has become the command that it launches */
const volatile __u32 rows_by; /* enum syscalls_by */
const volatile bool some_calls; /* trace those in wanted_calls only */
const volatile bool some_errors; /* count those that failed with one of wanted_errors only */
const volatile __u64 wanted_errors[(MAX_ERRNO + 1) / 64];
const volatile __u32 cpu_row_count; /* of cpu_rows */
const volatile bool emit_events;
const volatile ktrace_ns slow_ns; /* send calls that took as long, or longer */
const volatile __u64 events_per_second; /* of one call by one CPU; 0: all */
const volatile __u8 piece_table[2 * CALLS_PER_ABI * PIECES * sizeof(struct syscalls_piece_kind)];
const volatile __u8 file_table[2 * CALLS_PER_ABI * FILES]; /* 1 + the index of an argument that is a descriptor; 0: none */
CALL_SET(wanted_calls);
CALL_SET(exec_calls);  /* make the launcher the command */
CALL_SET(waiting_calls); /* wait by design, whatever their arguments */
CALL_SET(reading_calls); /* do so if their first argument is a pipe, a socket or a terminal, and they took long */
CALL_SET(last_calls); /* do not return */
const volatile __u32 futex_call[2]; /* numbers of futex(2), which waits or wakes, and of restart_syscall(2): this machine's, and of 32-bit programs */
const volatile __u32 restart_call[2];

/* Set with the first successful exec. */
__u32 command_runs;

/* Calls that began, by enum syscalls_hit; see accounting.ts for what they add up to. */
KTRACE_COUNTERS(hits, enum syscalls_hit, HITS)
KTRACE_COUNTERS(drops, enum syscalls_drop, SYSCALLS_DROPS)
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct syscalls_slots);
} cpu_slots SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CPU_ROWS);
	__type(key, __u32);
	__type(value, struct syscalls_row);
} cpu_rows SEC(".maps");
KTRACE_TOTALS(rows, struct syscalls_key, struct syscalls_row, 10240)
KTRACE_TOTALS(errors, struct syscalls_error, ktrace_count, 10240)
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * CALLS_PER_ABI);
	__type(key, __u32);
	__type(value, struct syscalls_rate);
} rates SEC(".maps");
KTRACE_RING(events, syscalls_event, 4 << 20)
KTRACE_STATES(states, struct syscalls_state)

#endif
