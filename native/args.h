// SPDX-License-Identifier: Apache-2.0
// Arguments of the addon's methods, checked: a wrong type is reported, never converted.
#pragma once

#include "error.h"

#include <cstdint>

namespace ktrace {

// Borrowed from JavaScript: valid until the method returns.
struct Span {
	uint8_t *data;
	size_t size;
};

// Each returns false when the argument is missing or not of that kind.
bool readName(const Napi::CallbackInfo &info, size_t index, std::string *name); // without a NUL byte
bool readBytes(const Napi::CallbackInfo &info, size_t index, Span *bytes);
bool readBoolean(const Napi::CallbackInfo &info, size_t index, bool *value);
bool readUint32(const Napi::CallbackInfo &info, size_t index, uint32_t *value);

Napi::Value copyToJs(Napi::Env env, const uint8_t *data, size_t size);

} // namespace ktrace
