// SPDX-License-Identifier: Apache-2.0
// BpfObject: one opened .bpf.o, its maps, programs and links. See src/native/binding.ts for the contract.
#pragma once

#include "addon.h"
#include "args.h"
#include "ring.h"
#include "tracefs.h"

#include <bpf/libbpf.h>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ktrace {

// A method called on a foreign receiver never gets here: V8 checks the signature of a class's methods and
// throws "Illegal invocation".
class BpfObject : public Napi::ObjectWrap<BpfObject> {
public:
	static Napi::Function define(Napi::Env env);
	explicit BpfObject(const Napi::CallbackInfo &info);
	~BpfObject() override;

	// Links first, then mappings, then maps and programs. Twice is harmless.
	void release();

private:
	enum class State { Open, Loaded, Broken, Closed };

	// Life cycle and configuration (object.cc).
	Napi::Value setAutoload(const Napi::CallbackInfo &info);
	Napi::Value setMaxEntries(const Napi::CallbackInfo &info);
	Napi::Value writeGlobals(const Napi::CallbackInfo &info);
	Napi::Value load(const Napi::CallbackInfo &info);
	Napi::Value close(const Napi::CallbackInfo &info);

	// Programs (object_programs.cc).
	Napi::Value attach(const Napi::CallbackInfo &info);
	Napi::Value detach(const Napi::CallbackInfo &info);
	Napi::Value iterate(const Napi::CallbackInfo &info);
	Napi::Value programs(const Napi::CallbackInfo &info);

	// Maps (object_maps.cc).
	Napi::Value snapshot(const Napi::CallbackInfo &info);
	Napi::Value lookup(const Napi::CallbackInfo &info);
	Napi::Value update(const Napi::CallbackInfo &info);
	Napi::Value drain(const Napi::CallbackInfo &info);

	// Each throws and returns false (or nullptr) when the call is not possible now.
	bool require(Napi::Env env, State wanted, const char *stage, const std::string &operation);
	bool nameOf(const Napi::CallbackInfo &info, const char *stage, const char *operation, std::string *name);
	void askForStatistics();
	uint32_t processedInsns(const bpf_program *program) const;
	bpf_program *loadedProgram(Napi::Env env, const char *stage, const std::string &operation, const std::string &name);
	bpf_map *loadedMap(Napi::Env env, const char *stage, const std::string &operation, const std::string &name);
	Ring *ringOf(Napi::Env env, const std::string &operation, const std::string &name);

	std::shared_ptr<Registry> registry_;
	std::vector<uint8_t> bytes_; // libbpf reads from them until load() is over
	bpf_object *object_ = nullptr;
	State state_ = State::Closed;
	Tracefs tracefs_;
	std::vector<std::pair<std::string, bpf_link *>> links_; // by program, oldest first
	std::map<std::string, std::unique_ptr<Ring>> rings_;
	std::map<std::string, std::vector<char>> statistics_; // what the verifier says, by program; libbpf writes to them in load()
};

} // namespace ktrace
