// SPDX-License-Identifier: Apache-2.0
// From a loaded program to a link, without anything that could outlive the process.
#pragma once

#include "tracefs.h"

#include <bpf/libbpf.h>
#include <string>

namespace ktrace {

// Attaches as `section` says, which is the program's own or, for tracepoints, another. On failure returns nullptr and sets *error to a
// positive errno.
bpf_link *attachProgram(const bpf_program *program, const std::string &section, Tracefs &tracefs, int *error);

// A perf event of a tracepoint, by its id: a descriptor or a negative errno.
int openTracepoint(int id);

} // namespace ktrace
