// SPDX-License-Identifier: Apache-2.0
// Memory of this process that stays when the machine has none.
#pragma once

#include "error.h"

namespace ktrace {

void defineMemory(Napi::Env env, Napi::Object exports);

} // namespace ktrace
