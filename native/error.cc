// SPDX-License-Identifier: Apache-2.0
#include "error.h"

#include <cerrno>
#include <cstring>

namespace ktrace {

namespace {

constexpr int kEnotsupp = 524; // kernel-internal, yet bpf(2) returns it
constexpr int kFirstLibbpfError = 4000;

// In the order of enum libbpf_errno.
constexpr const char *kLibbpfNames[] = {
	"LIBELF", "FORMAT",   "KVERSION", "ENDIAN",   "INTERNAL", "RELOC",   "LOAD",
	"VERIFY", "PROG2BIG", "KVER",     "PROGTYPE", "WRNGPID",  "INVSEQ",  "NLPARSE",
};

void set(Napi::Env env, napi_value object, const char *key, const std::string &text)
{
	napi_value value;
	// Failing to decorate an error must not hide it, so statuses are ignored.
	if (napi_create_string_utf8(env, text.data(), text.size(), &value) == napi_ok)
		napi_set_named_property(env, object, key, value);
}

} // namespace

std::string errorName(int error)
{
	if (error == kClosed)
		return "ECLOSED";
	if (error == EOPNOTSUPP)
		return "ENOTSUP"; // Node's and POSIX's name of the same number
	if (error == kEnotsupp)
		return "ENOTSUPP";
	const size_t names = sizeof(kLibbpfNames) / sizeof(*kLibbpfNames);
	const size_t index = static_cast<size_t>(error) - kFirstLibbpfError;
	if (error >= kFirstLibbpfError && index < names)
		return std::string("LIBBPF_") + kLibbpfNames[index];
#ifdef __GLIBC__
	if (const char *name = strerrorname_np(error))
		return name;
#endif
	return "E" + std::to_string(error);
}

Napi::Value fail(Napi::Env env, const Failure &failure)
{
	napi_value message, error, number;
	if (napi_create_string_utf8(env, failure.operation.data(), failure.operation.size(), &message) != napi_ok ||
	    napi_create_error(env, nullptr, message, &error) != napi_ok)
		return Napi::Value();
	set(env, error, "code", errorName(failure.error));
	set(env, error, "stage", failure.error == kClosed ? "closed" : failure.stage);
	set(env, error, "log", failure.log);
	if (napi_create_int32(env, failure.error > 0 ? failure.error : 0, &number) == napi_ok)
		napi_set_named_property(env, error, "errno", number);
	napi_throw(env, error); // refused only when the environment is being torn down
	return Napi::Value();
}

} // namespace ktrace
