/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the programs and user space share, and the maps. */
#ifndef OOM_BPF_H
#define OOM_BPF_H

#include <ktrace/cgroup.bpf.h>
#include <ktrace/events.bpf.h>
#include <ktrace/filter.bpf.h>

#define DEPTH 8	       /* of cgroups */
#define CGROUP_NAME 96 /* one component of its path, cut */
#define PROGRAM_NAME 64 /* cut */
#define RESTART_NS 600000000000ULL /* what is executed later is no restart */

/* What a victim is told of. */
enum oom_kind {
	OOM_MARKED, /* it is to die; `dying`: it was about to, before anybody chose it */
	OOM_ENDED,  /* its last thread has ended */
	OOM_FREED,  /* its memory is free */
	OOM_OVER,   /* not of a victim: the incident is over */
	OOM_KINDS,
};
KTRACE_ENUM_ANCHOR(oom_kind);
KTRACE_ENUM_ANCHOR(oom_constraint);

struct oom_name {
	char text[CGROUP_NAME];
};

/* A cgroup. */
struct oom_place {
	ktrace_id64 id;
	__u8 unified; /* of cgroup v2 */
	__u8 deeper; /* there are more levels above */
	__u16 depth;  /* names that are there; 0: the root */
	__u32 _zero;
	struct oom_name names[DEPTH]; /* its own first, then upwards */
};

struct oom_memory {
	ktrace_bytes anon;
	ktrace_bytes file;
	ktrace_bytes shmem;
	ktrace_bytes swap;
	ktrace_bytes page_tables;
};

/* A process that the kernel looked at. */
struct oom_candidate {
	ktrace_count incident;
	ktrace_pages score; /* pages, as oom_badness() says; the least number that there is: it may not be killed */
	ktrace_ktime began;
	struct oom_memory memory;
	ktrace_pid tgid;
	__u32 uid;
	__u32 lost; /* events of this CPU before it */
	__s16 adj; /* oom_score_adj */
	__u8 known; /* `memory` */
	__u8 _zero;
	ktrace_comm comm;
};

/* The kernel has chosen whom to kill; or, where it did not get that far, a process was marked. */
struct oom_incident {
	ktrace_ktime time;
	ktrace_count incident;
	ktrace_pages total_pages; /* of what ran out; 0: not known */
	ktrace_pages usage; /* of the cgroup whose limit was hit */
	ktrace_pages limit;
	ktrace_pages swap_usage; /* of swap; of cgroup v1 of memory and swap */
	ktrace_pages swap_limit;
	__u32 gfp;
	__s32 order;
	ktrace_pid tgid;   /* who asked for memory */
	ktrace_tid tid;
	__u32 lost;
	__u8 constraint; /* enum oom_constraint */
	__u8 in_cgroup;	 /* the limit of a cgroup was hit, not that of the machine */
	__u8 known; /* what comes from struct oom_control */
	__u8 _zero;
	ktrace_comm comm;
	ktrace_comm process;
	struct oom_place place; /* of the cgroup whose limit was hit */
};

/* What a process executes. */
struct oom_program {
	char name[PROGRAM_NAME];
};

struct oom_victim {
	ktrace_ktime time;
	ktrace_count incident;
	ktrace_ktime began; /* the process; 0: only its id is known */
	struct oom_memory memory;
	ktrace_pid tgid; /* 0: only `tid` is known */
	ktrace_tid tid;
	__u32 uid;
	__u32 lost;
	__s16 adj;
	__u8 kind; /* enum oom_kind */
	__u8 known; /* `memory` */
	__u8 dying;
	__u8 _zero0;
	__u16 _zero;
	ktrace_comm comm;
	struct oom_program program;
	struct oom_place place; /* that it is charged to */
};

/* A program of which a victim was killed is executed again. */
struct oom_start {
	ktrace_ktime time;
	ktrace_pid tgid;
	__u32 lost;
	struct oom_program program;
	struct oom_place place; /* that it is charged to */
};

/* A process. */
struct oom_process {
	ktrace_ktime began;
	ktrace_pid tgid;
	__u32 _zero;
};

/*
 * The incident that is under way: the kernel has one at a time (oom_lock). The thread that is in it is known by its task; 0: nobody is.
 * Others who come across oom_badness() read /proc/PID/oom_score.
 */
__u64 asking_task;
__u64 incident_number;
__u64 told_number;    /* the last one that has its event */
__u64 candidate_task; /* that oom_badness() looks at */
__u64 chosen_task;    /* by oom_kill_process(); 0: not yet */
__u32 chosen_dying;   /* it was about to end by then */
__u32 exits_early;    /* the hook on ends of threads comes before their memory is gone: 6.16 on */

/* Processes that were marked. */
KTRACE_COUNTERS(hits, __u32, 1)
KTRACE_COUNTERS(unmarked, __u32, 1) /* of them, those that the ring had no room for */
/* Times that nobody could be chosen, or that an earlier victim was waited for. */
KTRACE_COUNTERS(fruitless, __u32, 1)
/* Ends of victims, and moments when their memory was free, that the ring had no room for. */
KTRACE_COUNTERS(later_lost, __u32, 1)
/* Victims that have not ended. */
KTRACE_TABLE(dying, ktrace_pid, __u8, 1024)
/* Victims by their memory (struct mm_struct), which is not free yet. */
KTRACE_TABLE(leaving, __u64, struct oom_process, 1024)
/* When the last victim that executed it was marked. The programs of the last victims alone matter. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct oom_program);
	__type(value, ktrace_ktime);
} programs SEC(".maps");
KTRACE_RING(incidents, oom_incident, 256 << 10)
KTRACE_RING(victims, oom_victim, 1 << 20)
KTRACE_RING(starts, oom_start, 256 << 10)
KTRACE_RING(candidates, oom_candidate, 4 << 20)

#endif
