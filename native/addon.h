// SPDX-License-Identifier: Apache-2.0
// What the addon keeps per environment (the main thread and each worker have their own).
#pragma once

#include <memory>
#include <vector>

namespace ktrace {

class BpfObject;

// The objects that hold kernel resources, oldest first. Shared with each object, so that neither an early
// collection nor a late finalizer can find it gone.
class Registry {
public:
	void add(BpfObject *object);
	void remove(BpfObject *object);
	// Newest first.
	void closeAll();

private:
	std::vector<BpfObject *> open_;
};

struct AddonState {
	std::shared_ptr<Registry> registry = std::make_shared<Registry>();
};

} // namespace ktrace
