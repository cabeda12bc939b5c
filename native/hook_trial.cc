// SPDX-License-Identifier: Apache-2.0
#include "hook_trial.h"

#include "attach.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <cerrno>
#include <cstdio>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ktrace {

namespace {

using Outcome = HookTrials::Outcome;

constexpr Outcome kWorks = {"attach", 0};

// A descriptor, or a negative errno.
class Descriptor {
public:
	explicit Descriptor(int fd) : fd_(fd) {}
	~Descriptor()
	{
		if (fd_ >= 0)
			close(fd_);
	}
	Descriptor(const Descriptor &) = delete;
	Descriptor &operator=(const Descriptor &) = delete;
	int get() const { return fd_; }
	Outcome outcome(const char *stage) const { return {stage, fd_ < 0 ? -fd_ : 0}; }

private:
	int fd_;
};

int loadNothing(bpf_prog_type type, int attachType = 0, int typeId = 0)
{
	const bpf_insn nothing[] = {
		{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0}, // r0 = 0
		{BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = static_cast<bpf_attach_type>(attachType),
		    .attach_btf_id = static_cast<__u32>(typeId));
	return bpf_prog_load(type, "ktrace_trial", "GPL", nothing, 2, &options);
}

// The number that perf has for kprobes, or a negative errno.
int kprobePmu()
{
	FILE *file = fopen("/sys/bus/event_source/devices/kprobe/type", "re");
	if (file == nullptr)
		return -errno;
	int type = 0;
	const bool read = fscanf(file, "%d", &type) == 1;
	fclose(file);
	return read ? type : -EINVAL;
}

int openKprobe(int pmu, const std::string &function, bool isReturn)
{
	perf_event_attr attributes = {};
	attributes.type = static_cast<__u32>(pmu);
	attributes.size = sizeof(attributes);
	attributes.config = isReturn ? 1 : 0; // format/retprobe: bit 0
	attributes.kprobe_func = reinterpret_cast<__u64>(function.c_str());
	const int event = syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return event < 0 ? -errno : event;
}

// Runs `program` with the event, which is what makes the kernel check both.
Outcome attachEvent(int eventFd, int program)
{
	const Descriptor event(eventFd);
	if (event.get() < 0)
		return event.outcome("attach");
	return {"attach", ioctl(event.get(), PERF_EVENT_IOC_SET_BPF, program) == 0 ? 0 : errno};
}

} // namespace

HookTrials::~HookTrials()
{
	btf__free(kernel_);
}

int HookTrials::typeId(const std::string &name, unsigned kind)
{
	if (kernel_ == nullptr)
		kernel_ = btf__load_vmlinux_btf();
	return kernel_ == nullptr ? -errno : btf__find_by_name_kind(kernel_, name.c_str(), kind);
}

Outcome HookTrials::run(const std::string &section, bool attach)
{
	const size_t slash = section.find('/');
	const std::string kind = section.substr(0, slash);
	const std::string name = slash == std::string::npos ? std::string() : section.substr(slash + 1);
	if (kind == "tp_btf")
		return tracing(name, BPF_TRACE_RAW_TP, true);
	if (kind == "iter")
		return tracing(name, BPF_TRACE_ITER, true);
	if (kind == "fentry" || kind == "fexit")
		return tracing(name, kind == "fentry" ? BPF_TRACE_FENTRY : BPF_TRACE_FEXIT, attach);
	if (kind == "raw_tp")
		return rawTracepoint(name);
	if (kind == "tracepoint" || kind == "tp")
		return tracepoint(name, attach);
	if (kind == "kprobe" || kind == "kretprobe")
		return kprobe(name, kind == "kretprobe", attach);
	return {"find", EOPNOTSUPP};
}

Outcome HookTrials::tracing(const std::string &name, int attachType, bool attach)
{
	const bool isTracepoint = attachType == BPF_TRACE_RAW_TP;
	const std::string prefix = isTracepoint ? "btf_trace_" : attachType == BPF_TRACE_ITER ? "bpf_iter_" : "";
	const int id = typeId(prefix + name, isTracepoint ? BTF_KIND_TYPEDEF : BTF_KIND_FUNC);
	if (id < 0)
		return {"find", -id};
	const Descriptor program(loadNothing(BPF_PROG_TYPE_TRACING, attachType, id));
	if (program.get() < 0 || !attach)
		return program.outcome("load");
	const Descriptor link(attachType == BPF_TRACE_ITER ? bpf_link_create(program.get(), 0, BPF_TRACE_ITER, nullptr)
							   : bpf_raw_tracepoint_open(nullptr, program.get()));
	return link.outcome("attach");
}

Outcome HookTrials::rawTracepoint(const std::string &name)
{
	const Descriptor program(loadNothing(BPF_PROG_TYPE_RAW_TRACEPOINT));
	if (program.get() < 0)
		return program.outcome("load");
	return Descriptor(bpf_raw_tracepoint_open(name.c_str(), program.get())).outcome("attach");
}

Outcome HookTrials::tracepoint(const std::string &name, bool attach)
{
	const Descriptor program(loadNothing(BPF_PROG_TYPE_TRACEPOINT));
	if (program.get() < 0)
		return program.outcome("load");
	const int id = tracefs_.eventId(name);
	if (id < 0)
		return {"find", -id};
	return attach ? attachEvent(openTracepoint(id), program.get()) : kWorks;
}

// What is in BTF can be assumed to be there; what is not (BTF leaves out some functions) has to be tried.
Outcome HookTrials::kprobe(const std::string &function, bool isReturn, bool attach)
{
	const Descriptor program(loadNothing(BPF_PROG_TYPE_KPROBE));
	if (program.get() < 0)
		return program.outcome("load");
	const int pmu = kprobePmu();
	if (pmu < 0)
		return {"attach", -pmu};
	if (!attach && typeId(function, BTF_KIND_FUNC) >= 0)
		return kWorks;
	return attachEvent(openKprobe(pmu, function, isReturn), program.get());
}

} // namespace ktrace
