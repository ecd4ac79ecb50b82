// Any operator of ATen, called by its name with values that are checked against its schema.
#include "Shim.h"

#include <ATen/core/Generator.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

using namespace shim;

/// What a call has to know of a declared argument.
struct Declared {
  bool isOptional, isNumber, isTensor, holdsOptionals;
};

struct Operator {
  c10::OperatorHandle handle;
  std::string schema;
  std::vector<Declared> arguments;
};

/// The type inside an optional.
static const c10::Type &stripped(const c10::TypePtr &type) {
  return type->kind() == c10::TypeKind::OptionalType ? *type->castRaw<c10::OptionalType>()->getElementType() : *type;
}

static Declared declared(const c10::Argument &argument) {
  const c10::Type &type = stripped(argument.type());
  bool optionals = type.kind() == c10::TypeKind::ListType &&
                   type.castRaw<c10::ListType>()->getElementType()->kind() == c10::TypeKind::OptionalType;
  return {argument.type()->kind() == c10::TypeKind::OptionalType, type.kind() == c10::TypeKind::FloatType,
          type.kind() == c10::TypeKind::TensorType, optionals};
}

ct_operator ct_find_operator(const char *name, const char *overload) {
  return guarded<ct_operator>(nullptr, [&]() -> ct_operator {
    auto found = c10::Dispatcher::singleton().findSchema({name, overload});
    TORCH_CHECK(found, "this libtorch has no operator ", name, *overload ? "." : "", overload);
    std::string schema = c10::str(found->schema());
    std::vector<Declared> arguments;
    for (const c10::Argument &argument : found->schema().arguments()) arguments.push_back(declared(argument));
    return reinterpret_cast<ct_operator>(new Operator{*found, std::move(schema), std::move(arguments)});
  });
}

const char *ct_operator_schema(ct_operator op) { return reinterpret_cast<Operator *>(op)->schema.c_str(); }

static c10::IValue list(const ct_value &v, bool holdsOptionals) {
  auto count = static_cast<size_t>(v.count);
  switch (v.tag) {
    case CT_INTS: {
      auto begin = static_cast<const int64_t *>(v.pointer);
      return c10::IValue(c10::List<int64_t>(c10::ArrayRef<int64_t>(begin, count)));
    }
    case CT_DOUBLES: {
      auto begin = static_cast<const double *>(v.pointer);
      return c10::IValue(c10::List<double>(c10::ArrayRef<double>(begin, count)));
    }
    case CT_BOOLEANS: {
      auto begin = static_cast<const bool *>(v.pointer);
      return c10::IValue(c10::List<bool>(c10::ArrayRef<bool>(begin, count)));
    }
    default: break;
  }
  auto begin = static_cast<const ct_tensor *>(v.pointer);
  if (!holdsOptionals) {
    c10::List<at::Tensor> result;
    result.reserve(count);
    for (size_t i = 0; i < count; ++i) result.push_back(shared(begin[i]));
    return c10::IValue(std::move(result));
  }
  c10::List<std::optional<at::Tensor>> result;
  result.reserve(count);
  for (size_t i = 0; i < count; ++i)
    result.push_back(begin[i] ? std::optional<at::Tensor>(shared(begin[i])) : std::nullopt);
  return c10::IValue(std::move(result));
}

static c10::IValue argument(const ct_value &v, const Declared &declared, const c10::Argument &full) {
  switch (v.tag) {
    case CT_NONE: return c10::IValue();
    case CT_TENSOR: return c10::IValue(shared(reinterpret_cast<ct_tensor>(const_cast<void *>(v.pointer))));
    case CT_INT:
      return declared.isNumber ? c10::IValue(static_cast<double>(v.integer)) : c10::IValue(v.integer);
    case CT_DOUBLE: return c10::IValue(v.number);
    case CT_BOOLEAN: return c10::IValue(v.integer != 0);
    case CT_STRING: return c10::IValue(std::string(static_cast<const char *>(v.pointer), static_cast<size_t>(v.count)));
    case CT_DTYPE: return c10::IValue(static_cast<int64_t>(scalarType(static_cast<int32_t>(v.integer))));
    case CT_DEVICE: return c10::IValue(device(static_cast<int32_t>(v.integer)));
    case CT_GENERATOR: return c10::IValue(*static_cast<const at::Generator *>(v.pointer));
    case CT_DEFAULT:
      TORCH_CHECK(full.default_value(), "the argument '", full.name(), "' has no default");
      return *full.default_value();
    default: return list(v, declared.holdsOptionals);
  }
}

/// Takes the results of the last call of this thread; the tensors in it belong to the caller.
static thread_local std::vector<ct_value> results;

static void give(c10::IValue &&value) {
  ct_value v{};
  if (value.isTensor()) {
    v.tag = CT_TENSOR;
    v.pointer = owned(std::move(value).toTensor());
  } else if (value.isInt()) {
    v.tag = CT_INT;
    v.integer = value.toInt();
  } else if (value.isDouble()) {
    v.tag = CT_DOUBLE;
    v.number = value.toDouble();
  } else if (value.isBool()) {
    v.tag = CT_BOOLEAN;
    v.integer = value.toBool();
  } else if (value.isTensorList()) {
    for (at::Tensor t : value.toTensorVector()) give(c10::IValue(std::move(t)));
    return;
  } else {
    TORCH_CHECK(value.isNone(), "a result of this kind cannot be given back: ", value.tagKind());
    v.tag = CT_NONE;
  }
  results.push_back(v);
}

int64_t ct_call(ct_operator op, const ct_value *arguments, int64_t count, const ct_value **given) {
  return guarded<int64_t>(-1, [&]() -> int64_t {
    const Operator &called = *reinterpret_cast<Operator *>(op);
    const auto &full = called.handle.schema().arguments();
    TORCH_CHECK(
        count <= static_cast<int64_t>(full.size()), count, " arguments were given, ", full.size(), " are taken by ",
        called.schema);
    static constexpr ct_value byDefault = {CT_DEFAULT, 0, {0}};
    torch::jit::Stack stack;
    stack.reserve(full.size());
    for (size_t i = 0; i < full.size(); ++i) {
      const Declared &declared = called.arguments[i];
      c10::IValue taken = argument(static_cast<int64_t>(i) < count ? arguments[i] : byDefault, declared, full[i]);
      TORCH_CHECK(
          taken.isNone() ? declared.isOptional : !declared.isTensor || taken.isTensor(), "the argument '", full[i].name(),
          "' does not fit ", called.schema);
      stack.push_back(std::move(taken));
    }
    called.handle.callBoxed(stack);
    results.clear();
    for (auto &value : stack) give(std::move(value));
    *given = results.data();
    return static_cast<int64_t>(results.size());
  });
}
