// SPDX-License-Identifier: Apache-2.0
// How the addon fails: every call that cannot do its job throws one NativeError (see src/native/binding.ts).
#pragma once

#include <string>

// A worker can be terminated while native code runs; node-addon-api would then abort the process
// because the error it wants to throw cannot be thrown. This makes it return quietly instead.
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#include <napi.h>

namespace ktrace {

struct Failure {
	const char *stage;
	std::string operation;
	int error; // positive errno or libbpf error number, kClosed, or 0
	std::string log = {};
};

// Not an errno: the object was closed before the call.
constexpr int kClosed = -1;

// "EPERM" for 1; libbpf's own numbers (4000 and up) become "LIBBPF_FORMAT" and the like.
std::string errorName(int error);

// Throws a NativeError. Returns an empty value, so that a method can `return fail(…)`.
Napi::Value fail(Napi::Env env, const Failure &failure);

} // namespace ktrace
