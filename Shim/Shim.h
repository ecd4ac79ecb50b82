// What the files of the shim share: errors, borrowed tensors, codes of data types and devices.
#pragma once
#define CT_SHIM
#include "../Sources/CTorch/include/CTorch.h"

#include <ATen/core/Tensor.h>

#include <atomic>
#include <optional>
#include <string>
#include <vector>

// Every function of the table, with C linkage: a definition that differs from the list does not compile.
#define CT_DECLARE(RESULT, NAME, PARAMETERS, ARGUMENTS) extern "C" RESULT NAME PARAMETERS;
CT_FUNCTIONS(CT_DECLARE)
#undef CT_DECLARE

namespace shim {

extern thread_local std::string error;
extern std::atomic<int64_t> live;

inline void fail(const c10::Error &e) { error = e.what_without_backtrace(); }
inline void fail(const std::exception &e) { error = e.what(); }

/// Runs a body; an exception becomes a stored message and the given result.
template <class Result, class Body>
Result guarded(Result onFailure, Body &&body) noexcept {
  try {
    return body();
  } catch (const c10::Error &e) {
    fail(e);
  } catch (const std::exception &e) {
    fail(e);
  } catch (...) {
    error = "an exception that is none of the standard library's";
  }
  return onFailure;
}

/// A tensor whose reference belongs to the caller: no count moves.
class Borrowed {
 public:
  explicit Borrowed(ct_tensor t)
      : tensor_(t ? at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(
                        reinterpret_cast<c10::TensorImpl *>(t)))
                  : at::Tensor()) {}
  ~Borrowed() {
    if (tensor_.defined()) tensor_.unsafeReleaseTensorImpl();
  }
  Borrowed(const Borrowed &) = delete;
  Borrowed &operator=(const Borrowed &) = delete;

  at::Tensor &operator*() { return tensor_; }
  at::Tensor *operator->() { return &tensor_; }
  std::optional<at::Tensor> optional() const {
    return tensor_.defined() ? std::optional<at::Tensor>(tensor_) : std::nullopt;
  }

 private:
  at::Tensor tensor_;
};

/// A reference more to a tensor that the caller keeps.
inline at::Tensor shared(ct_tensor t) {
  Borrowed b(t);
  return *b;
}

inline ct_tensor owned(at::Tensor &&t) {
  if (!t.defined()) return nullptr;
  live.fetch_add(1, std::memory_order_relaxed);
  return reinterpret_cast<ct_tensor>(t.unsafeReleaseTensorImpl());
}

inline ct_tensor owned(const at::Tensor &t) { return owned(at::Tensor(t)); }

inline c10::IntArrayRef ints(const int64_t *values, int64_t count) {
  return c10::IntArrayRef(values, static_cast<size_t>(count));
}

std::vector<at::Tensor> list(const ct_tensor *tensors, int64_t count);
c10::ScalarType scalarType(int32_t code);
int32_t code(c10::ScalarType type);
c10::Device device(int32_t code);
int32_t code(c10::Device device);

}  // namespace shim
