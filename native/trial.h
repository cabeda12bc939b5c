// SPDX-License-Identifier: Apache-2.0
// Cheap questions to the kernel, asked by trying: a program of two instructions, an empty map.
#pragma once

#include "error.h"

namespace ktrace {

// Adds refusesFentry(), hasFindVma() and what `ktrace doctor` asks to the exports; see src/native/binding.ts.
void defineTrials(Napi::Env env, Napi::Object exports);

} // namespace ktrace
