// SPDX-License-Identifier: Apache-2.0
#include "attach.h"

#include <cerrno>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ktrace {

namespace {

bool startsWith(const std::string &text, const char *prefix)
{
	return text.rfind(prefix, 0) == 0;
}

// "tracepoint/sched/sched_switch" or "tp/…" gives "sched/sched_switch"; anything else nothing.
std::string tracepointOf(const std::string &section)
{
	for (const char *prefix : {"tracepoint/", "tp/"})
		if (startsWith(section, prefix))
			return section.substr(std::string(prefix).size());
	return {};
}

// libbpf falls back to a probe written into tracefs where the kernel has no perf PMU for it. Such a probe
// survives a crash of its owner, so the fallback must never be reached.
bool needsLegacyProbe(const std::string &section)
{
	struct Kind {
		const char *prefix;
		const char *pmu;
	};
	constexpr Kind kinds[] = {
		{"kprobe/", "kprobe"},     {"kretprobe/", "kprobe"},  {"ksyscall/", "kprobe"}, {"kretsyscall/", "kprobe"},
		{"uprobe", "uprobe"}, {"uretprobe", "uprobe"}, {"usdt", "uprobe"},
	};
	for (const Kind &kind : kinds) {
		const std::string type = std::string("/sys/bus/event_source/devices/") + kind.pmu + "/type";
		if (startsWith(section, kind.prefix) && access(type.c_str(), R_OK) != 0)
			return true;
	}
	return false;
}

// libbpf's own way reads the id below /sys/kernel/tracing or /sys/kernel/debug and fails when neither is mounted.
bpf_link *attachTracepoint(const bpf_program *program, const std::string &name, Tracefs &tracefs)
{
	const int id = tracefs.eventId(name);
	const int event = id < 0 ? id : openTracepoint(id);
	if (event < 0) {
		errno = -event;
		return nullptr;
	}
	bpf_link *link = bpf_program__attach_perf_event(program, event); // owns the descriptor from here on
	if (link == nullptr) {
		const int error = errno;
		close(event);
		errno = error;
	}
	return link;
}

} // namespace

// A counting event of one CPU is enough: the program runs wherever the tracepoint fires, and without a
// sample period the kernel never prepares a sample that nobody would read.
int openTracepoint(int id)
{
	perf_event_attr attributes = {};
	attributes.type = PERF_TYPE_TRACEPOINT;
	attributes.size = sizeof(attributes);
	attributes.config = id;
	const int event = syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return event < 0 ? -errno : event;
}

bpf_link *attachProgram(const bpf_program *program, const std::string &section, Tracefs &tracefs, int *error)
{
	if (needsLegacyProbe(section)) {
		*error = EOPNOTSUPP;
		return nullptr;
	}
	const std::string tracepoint = tracepointOf(section);
	bpf_link *link = tracepoint.empty() ? bpf_program__attach(program) : attachTracepoint(program, tracepoint, tracefs);
	if (link == nullptr)
		*error = errno;
	return link;
}

} // namespace ktrace
