// Tensors: what they say about themselves, how they are made, and the operators of inner loops.
#include "Shim.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <torch/csrc/api/include/torch/version.h>

namespace shim {

thread_local std::string error;
std::atomic<int64_t> live{0};

static constexpr c10::ScalarType types[CT_DTYPE_COUNT] = {
    c10::ScalarType::Float,         c10::ScalarType::Double,      c10::ScalarType::Half,   c10::ScalarType::BFloat16,
    c10::ScalarType::Long,          c10::ScalarType::Int,         c10::ScalarType::Short,  c10::ScalarType::Char,
    c10::ScalarType::Byte,          c10::ScalarType::Bool,        c10::ScalarType::ComplexFloat,
    c10::ScalarType::Float8_e4m3fn, c10::ScalarType::Float8_e5m2, c10::ScalarType::UInt16, c10::ScalarType::UInt32,
    c10::ScalarType::UInt64,        c10::ScalarType::ComplexDouble};

c10::ScalarType scalarType(int32_t code) {
  TORCH_CHECK(code >= 0 && code < CT_DTYPE_COUNT, "no data type has the code ", code);
  return types[code];
}

int32_t code(c10::ScalarType type) {
  for (int32_t i = 0; i < CT_DTYPE_COUNT; ++i)
    if (types[i] == type) return i;
  return -1;
}

c10::Device device(int32_t code) {
  if (code == 0) return c10::Device(c10::DeviceType::CPU);
  return c10::Device(at::getAccelerator(false).value_or(c10::DeviceType::CUDA), static_cast<c10::DeviceIndex>(code - 1));
}

int32_t code(c10::Device d) { return d.is_cpu() ? 0 : 1 + std::max<int32_t>(d.index(), 0); }

std::vector<at::Tensor> list(const ct_tensor *tensors, int64_t count) {
  std::vector<at::Tensor> result;
  result.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) result.push_back(shared(tensors[i]));
  return result;
}

}  // namespace shim

using namespace shim;

const char *ct_error() { return shim::error.c_str(); }
void ct_set_error(const char *text) { shim::error = text; }
const char *ct_torch_version() { return TORCH_VERSION; }
int64_t ct_accelerators() {
  return guarded<int64_t>(0, [&]() -> int64_t {
    auto type = at::getAccelerator(false);
    if (!type) return 0;
    auto &hooks = at::globalContext().getAcceleratorHooksInterface(*type);
    return hooks.deviceCount();
  });
}
int64_t ct_threads() { return at::get_num_threads(); }
int32_t ct_set_threads(int64_t count) {
  return guarded(-1, [&] {
    TORCH_CHECK(count > 0 && count <= 4096, "the number of threads must be in 1...4096, not ", count);
    at::set_num_threads(static_cast<int>(count));
    return 0;
  });
}

void ct_release(ct_tensor t) {
  live.fetch_sub(1, std::memory_order_relaxed);
  at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(reinterpret_cast<c10::TensorImpl *>(t)));
}
static c10::TensorImpl *impl(ct_tensor t) { return reinterpret_cast<c10::TensorImpl *>(t); }
int64_t ct_rank(ct_tensor t) { return impl(t)->dim(); }
const int64_t *ct_sizes(ct_tensor t) { return impl(t)->sizes().data(); }
const int64_t *ct_strides(ct_tensor t) { return impl(t)->strides().data(); }
int64_t ct_count(ct_tensor t) { return impl(t)->numel(); }
int32_t ct_dtype(ct_tensor t) { return code(c10::typeMetaToScalarType(impl(t)->dtype())); }
int32_t ct_device(ct_tensor t) { return code(impl(t)->device()); }
bool ct_is_contiguous(ct_tensor t) { return impl(t)->is_contiguous(); }
/// No other tensor shares the memory, so that nobody sees a change of its elements.
bool ct_is_unshared(ct_tensor t) { return impl(t)->has_storage() && impl(t)->storage().use_count() == 1; }
void *ct_data(ct_tensor t) {
  return guarded<void *>(nullptr, [&] { return (*Borrowed(t)).data_ptr(); });
}
int64_t ct_live_tensors() { return live.load(std::memory_order_relaxed); }

ct_tensor ct_empty(const int64_t *shape, int64_t rank, int32_t type, int32_t where) {
  return guarded<ct_tensor>(nullptr, [&] {
    return owned(at::empty(ints(shape, rank), at::TensorOptions().dtype(scalarType(type)).device(device(where))));
  });
}
ct_tensor ct_from_memory(void *memory, const int64_t *shape, int64_t rank, int32_t type, ct_deleter deleter, void *context) {
  return guarded<ct_tensor>(nullptr, [&] {
    return owned(at::from_blob(
        memory, ints(shape, rank), [deleter, context](void *) { deleter(context); },
        at::TensorOptions().dtype(scalarType(type))));
  });
}

ct_generator ct_make_generator(uint64_t seed, int32_t where) {
  return guarded<ct_generator>(nullptr, [&] {
    at::Generator g = where == 0 ? at::detail::createCPUGenerator(seed)
                                 : at::globalContext().defaultGenerator(device(where)).clone();
    if (where != 0) g.set_current_seed(seed);
    return reinterpret_cast<ct_generator>(new at::Generator(std::move(g)));
  });
}
void ct_release_generator(ct_generator g) { delete reinterpret_cast<at::Generator *>(g); }

// A result from one or two borrowed tensors.
#define CT_UNARY(NAME, EXPRESSION, ...)                                \
  ct_tensor NAME(ct_tensor x_, ##__VA_ARGS__) {                        \
    return guarded<ct_tensor>(nullptr, [&] {                           \
      Borrowed x(x_);                                                  \
      return owned(EXPRESSION);                                        \
    });                                                                \
  }
#define CT_BINARY(NAME, EXPRESSION)                                    \
  ct_tensor NAME(ct_tensor a_, ct_tensor b_) {                         \
    return guarded<ct_tensor>(nullptr, [&] {                           \
      Borrowed a(a_), b(b_);                                           \
      return owned(EXPRESSION);                                        \
    });                                                                \
  }

CT_BINARY(ct_add, at::add(*a, *b))
CT_BINARY(ct_subtract, at::sub(*a, *b))
CT_BINARY(ct_multiply, at::mul(*a, *b))
CT_BINARY(ct_divide, at::div(*a, *b))
CT_BINARY(ct_matmul, at::matmul(*a, *b))
CT_BINARY(ct_embedding, at::embedding(*a, *b))
/// A whole number stays one, so that integer tensors keep their type.
static at::Scalar scalar(const at::Tensor &beside, double number) {
  if (c10::isIntegralType(beside.scalar_type(), true) && number == static_cast<double>(static_cast<int64_t>(number)))
    return at::Scalar(static_cast<int64_t>(number));
  return at::Scalar(number);
}
CT_UNARY(ct_add_number, at::add(*x, scalar(*x, number)), double number)
CT_UNARY(ct_multiply_number, at::mul(*x, scalar(*x, number)), double number)
CT_UNARY(ct_softmax, at::softmax(*x, axis), int64_t axis)
CT_UNARY(ct_gelu, at::gelu(*x, tanh ? "tanh" : "none"), bool tanh)
CT_UNARY(ct_silu, at::silu(*x))
CT_UNARY(ct_reshape, at::reshape(*x, ints(shape, rank)), const int64_t *shape, int64_t rank)
CT_UNARY(ct_permute, at::permute(*x, ints(axes, rank)), const int64_t *axes, int64_t rank)
CT_UNARY(ct_transpose, at::transpose(*x, a, b), int64_t a, int64_t b)
CT_UNARY(ct_select, at::select(*x, axis, index), int64_t axis, int64_t index)
CT_UNARY(ct_slice, at::slice(*x, axis, start, end, step), int64_t axis, int64_t start, int64_t end, int64_t step)
CT_UNARY(ct_mean, at::mean(*x))
CT_UNARY(ct_detach, at::detach(*x))
CT_UNARY(
    ct_convert, x->to(device(where), scalarType(type), /*non_blocking=*/false, copy), int32_t type, int32_t where, bool copy)

ct_tensor ct_linear(ct_tensor x_, ct_tensor weight_, ct_tensor bias_) {
  return guarded<ct_tensor>(nullptr, [&] {
    Borrowed x(x_), weight(weight_), bias(bias_);
    return owned(at::linear(*x, *weight, bias.optional()));
  });
}
ct_tensor ct_layer_norm(ct_tensor x_, const int64_t *shape, int64_t rank, ct_tensor weight_, ct_tensor bias_, double epsilon) {
  return guarded<ct_tensor>(nullptr, [&] {
    Borrowed x(x_), weight(weight_), bias(bias_);
    return owned(at::layer_norm(*x, ints(shape, rank), weight.optional(), bias.optional(), epsilon));
  });
}
ct_tensor ct_attention(
    ct_tensor q_, ct_tensor k_, ct_tensor v_, ct_tensor mask_, bool causal, double scale, bool grouped) {
  return guarded<ct_tensor>(nullptr, [&] {
    Borrowed q(q_), k(k_), v(v_), mask(mask_);
    std::optional<double> factor = scale > 0 ? std::optional<double>(scale) : std::nullopt;
    return owned(at::scaled_dot_product_attention(*q, *k, *v, mask.optional(), 0.0, causal, factor, grouped));
  });
}
ct_tensor ct_concatenate(const ct_tensor *parts, int64_t count, int64_t axis) {
  return guarded<ct_tensor>(nullptr, [&] { return owned(at::cat(list(parts, count), axis)); });
}
