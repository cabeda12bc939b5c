// SPDX-License-Identifier: Apache-2.0
// Test object for the addon: one of each kind of map and program it handles, counting getppid() of one process.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

enum { SLOT_HITS, SLOT_FAILED, SLOT_SYSCALLS, SLOT_NESTED, SLOTS };

struct probe_event {
	__u64 sequence;
	__u64 pid_tgid;
};

/* Only what is read of the kernel's own structs. */
struct task_struct {
	int pid;
	int tgid;
} __attribute__((preserve_access_index));

struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

/* One struct, so that the offsets of its members are those of the section. */
const volatile struct {
	__u32 tgid;
	__u32 getppid; /* its system call number */
} target = {};
__u64 sequence = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} calls_per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 8 * sizeof(__u64));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

static __always_inline void count(void *map, __u32 key)
{
	__u64 one = 1, *value = bpf_map_lookup_elem(map, &key);

	if (value)
		__sync_fetch_and_add(value, 1);
	else
		bpf_map_update_elem(map, &key, &one, BPF_ANY);
}

static __always_inline int is_target(void)
{
	return bpf_get_current_pid_tgid() >> 32 == target.tgid;
}

SEC("?tracepoint/syscalls/sys_enter_getppid")
int getppid__tracepoint(void *context)
{
	struct probe_event *event;

	if (!is_target())
		return 0;
	count(&slots, SLOT_HITS);
	count(&calls, (__u32)bpf_get_current_pid_tgid());
	count(&calls_per_cpu, (__u32)bpf_get_current_pid_tgid());
	bpf_get_stackid(context, &stacks, BPF_F_FAST_STACK_CMP | BPF_F_USER_STACK);
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count(&slots, SLOT_FAILED);
		return 0;
	}
	event->sequence = sequence++; // one thread calls; an atomic that tells the old value needs Linux 5.12
	event->pid_tgid = bpf_get_current_pid_tgid();
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("?tp_btf/sys_enter")
int BPF_PROG(enter__tp_btf, void *regs, long number)
{
	if (is_target() && number == target.getppid)
		count(&slots, SLOT_SYSCALLS);
	return 0;
}

/* One discarded record in front of each submitted one, and lengths that are no multiple of 8. */
SEC("?raw_tp/sys_enter")
int enter__raw_tp(struct bpf_raw_tracepoint_args *context)
{
	__u8 *event;

	if (!is_target() || context->args[1] != target.getppid)
		return 0;
	event = bpf_ringbuf_reserve(&events, 24, 0);
	if (event)
		bpf_ringbuf_discard(event, BPF_RB_NO_WAKEUP);
	event = bpf_ringbuf_reserve(&events, 13, 0);
	if (!event)
		return 0;
	for (int i = 0; i < 13; i++)
		event[i] = i + 1;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

/* Below vm.mmap_min_addr: nothing is mapped there, so reading it makes a page fault. */
#define NOWHERE 0x1000

SEC("?tp_btf/sys_enter")
int faults__tp_btf(__u64 *arguments)
{
	__u8 nothing;

	if (is_target() && arguments[1] == target.getppid)
		bpf_probe_read_user(&nothing, sizeof(nothing), (void *)NOWHERE);
	return 0;
}

/* Makes, at each page fault there, another one: the kernel should run this program again while it runs, and leaves it out. */
SEC("?raw_tp/page_fault_kernel")
int fault__raw_tp(struct bpf_raw_tracepoint_args *context)
{
	static int depth; /* one thread makes these faults; some kernels do run it again */
	__u8 nothing;

	if (!is_target() || context->args[0] != NOWHERE)
		return 0;
	count(&slots, depth ? SLOT_NESTED : SLOT_HITS);
	if (depth)
		return 0;
	depth = 1;
	bpf_probe_read_user(&nothing, sizeof(nothing), (void *)NOWHERE);
	depth = 0;
	return 0;
}

SEC("?tracepoint/syscalls/sys_enter_no_such_call")
int missing__tracepoint(void *context)
{
	return 0;
}

SEC("?kprobe/do_nanosleep")
int nanosleep__kprobe(void *context)
{
	return 0;
}

/* Accesses what it did not check: the verifier must refuse it. */
SEC("?raw_tp/sys_exit")
int refused__raw_tp(struct bpf_raw_tracepoint_args *context)
{
	__u32 key = target.tgid;
	__u64 *value = bpf_map_lookup_elem(&calls, &key);

	return *value;
}

SEC("?iter/task")
int tasks__iter(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	__u32 row[2];

	if (!task)
		return 0;
	row[0] = task->tgid;
	row[1] = task->pid;
	bpf_seq_write(context->meta->seq, row, sizeof(row));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
