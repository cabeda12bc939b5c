// SPDX-License-Identifier: Apache-2.0
// Cheap questions to the kernel, asked by loading a program of two instructions.
#pragma once

#include "error.h"

namespace ktrace {

// Adds refusesFentry() and hasFindVma() to the exports; see src/native/binding.ts.
void defineTrials(Napi::Env env, Napi::Object exports);

} // namespace ktrace
