// SPDX-License-Identifier: Apache-2.0
#include "args.h"

#include <cmath>
#include <cstring>

namespace ktrace {

bool readName(const Napi::CallbackInfo &info, size_t index, std::string *name)
{
	if (!info[index].IsString())
		return false;
	*name = info[index].As<Napi::String>().Utf8Value();
	return name->find('\0') == std::string::npos;
}

bool readBytes(const Napi::CallbackInfo &info, size_t index, Span *bytes)
{
	if (!info[index].IsTypedArray() || info[index].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
		return false;
	const Napi::Uint8Array array = info[index].As<Napi::Uint8Array>();
	*bytes = {const_cast<uint8_t *>(array.Data()), array.ByteLength()};
	return true;
}

bool readBoolean(const Napi::CallbackInfo &info, size_t index, bool *value)
{
	if (!info[index].IsBoolean())
		return false;
	*value = info[index].As<Napi::Boolean>().Value();
	return true;
}

bool readUint32(const Napi::CallbackInfo &info, size_t index, uint32_t *value)
{
	if (!info[index].IsNumber())
		return false;
	const double number = info[index].As<Napi::Number>().DoubleValue();
	if (!(number >= 0 && number <= UINT32_MAX) || number != std::floor(number))
		return false;
	*value = static_cast<uint32_t>(number);
	return true;
}

Napi::Value copyToJs(Napi::Env env, const uint8_t *data, size_t size)
{
	Napi::Uint8Array copy = Napi::Uint8Array::New(env, size);
	if (!copy.IsEmpty() && size > 0)
		memcpy(copy.Data(), data, size);
	return copy;
}

} // namespace ktrace
