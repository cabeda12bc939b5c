// SPDX-License-Identifier: Apache-2.0
// Whether the kernel takes hooks, asked with a program that does nothing instead of a tool's own.
#pragma once

#include "tracefs.h"

#include <string>

struct btf;

namespace ktrace {

class HookTrials {
public:
	struct Outcome {
		const char *stage; // "find", "load" or "attach"
		int error;         // positive errno, 0 when it works
	};

	HookTrials() = default;
	~HookTrials();
	HookTrials(const HookTrials &) = delete;
	HookTrials &operator=(const HookTrials &) = delete;

	// `section` as libbpf has them: "tp_btf/sched_waking". What takes the kernel a grace period to detach (functions, tracepoints of
	// perf, kprobes) is attached only if `attach` says so, and else found or loaded.
	Outcome run(const std::string &section, bool attach);

private:
	Outcome tracing(const std::string &name, int attachType, bool attach);
	Outcome rawTracepoint(const std::string &name);
	Outcome tracepoint(const std::string &name, bool attach);
	Outcome kprobe(const std::string &function, bool isReturn, bool attach);
	// Id of a type of the kernel, or a negative errno.
	int typeId(const std::string &name, unsigned kind);

	Tracefs tracefs_;
	btf *kernel_ = nullptr;
};

} // namespace ktrace
