// SPDX-License-Identifier: Apache-2.0
// Giving up privileges in every thread: Node.js and V8 have started theirs long before any of our code runs.
#pragma once

#include "error.h"

namespace ktrace {

void definePrivileges(Napi::Env env, Napi::Object exports);

} // namespace ktrace
