// The C interface through which Swift reaches libtorch.
//
// A shared library built from `Shim/` holds a table of functions over ATen. `ct_load` opens it and checks its version; every other
// function jumps through the table. The Swift package itself needs no libtorch to build, and one Swift binary runs with whatever
// libtorch the shim was built for.
//
// Rules of the interface:
// - A tensor is a reference that its holder releases once (`ct_release`). Arguments are borrowed; results are owned by the caller.
// - A function that can fail returns NULL or -1; `ct_error` then holds the reason until the next call on the same thread.
// - Data types and devices have codes of their own, so that no number of libtorch stands in Swift.
#ifndef TESSERA_CTORCH_H
#define TESSERA_CTORCH_H

#include <stdbool.h>
#include <stdint.h>

#define CT_VERSION 1

typedef struct ct_tensor_impl *ct_tensor;
typedef struct ct_operator_impl *ct_operator;
typedef struct ct_generator_impl *ct_generator;
typedef struct ct_group_impl *ct_group;

enum {
  CT_FLOAT32, CT_FLOAT64, CT_FLOAT16, CT_BFLOAT16, CT_INT64, CT_INT32, CT_INT16, CT_INT8, CT_UINT8, CT_BOOL,
  CT_COMPLEX64, CT_FLOAT8_E4M3, CT_FLOAT8_E5M2, CT_UINT16, CT_UINT32, CT_UINT64, CT_COMPLEX128,
  CT_DTYPE_COUNT
};

// Devices: the processor is 0, the n-th accelerator is 1 + n.

enum {
  CT_NONE, CT_TENSOR, CT_INT, CT_DOUBLE, CT_BOOLEAN, CT_INTS, CT_DOUBLES, CT_TENSORS, CT_OPTIONAL_TENSORS, CT_STRING, CT_DTYPE,
  CT_DEVICE, CT_GENERATOR, CT_BOOLEANS, CT_DEFAULT
};

// An argument or a result of an operator that is called by name.
typedef struct {
  int32_t tag;
  int64_t count;  // of a list or of a string's bytes
  union {
    int64_t integer;
    double number;
    const void *pointer;  // a tensor, a generator, or the elements of a list
  };
} ct_value;

typedef void (*ct_deleter)(void *context);
// The gradients of the outputs come in (NULL where there is none), owned gradients of the inputs go out. Not 0: an error was set.
typedef int32_t (*ct_backward_function)(
    void *context, const ct_tensor *outputs, int64_t output_count, ct_tensor *inputs, int64_t input_count);

// Every function once: result, name, parameters, arguments.
#define CT_FUNCTIONS(X)                                                                                                          \
  X(const char *, ct_error, (void), ())                                                                                          \
  X(void, ct_set_error, (const char *text), (text))                                                                              \
  X(const char *, ct_torch_version, (void), ())                                                                                  \
  X(int64_t, ct_accelerators, (void), ())                                                                                        \
  X(int64_t, ct_threads, (void), ())                                                                                             \
  X(int32_t, ct_set_threads, (int64_t count), (count))                                                                           \
  /* references and what a tensor says about itself */                                                                           \
  X(void, ct_release, (ct_tensor t), (t))                                                                                        \
  X(int64_t, ct_rank, (ct_tensor t), (t))                                                                                        \
  X(const int64_t *, ct_sizes, (ct_tensor t), (t))                                                                               \
  X(const int64_t *, ct_strides, (ct_tensor t), (t))                                                                             \
  X(int64_t, ct_count, (ct_tensor t), (t))                                                                                       \
  X(int32_t, ct_dtype, (ct_tensor t), (t))                                                                                       \
  X(int32_t, ct_device, (ct_tensor t), (t))                                                                                      \
  X(bool, ct_is_contiguous, (ct_tensor t), (t))                                                                                  \
  X(bool, ct_is_unshared, (ct_tensor t), (t))                                                                                    \
  X(void *, ct_data, (ct_tensor t), (t))                                                                                         \
  X(int64_t, ct_live_tensors, (void), ())                                                                                        \
  /* making */                                                                                                                   \
  X(ct_tensor, ct_empty, (const int64_t *sizes, int64_t rank, int32_t dtype, int32_t device), (sizes, rank, dtype, device))      \
  X(ct_tensor, ct_from_memory,                                                                                                   \
    (void *data, const int64_t *sizes, int64_t rank, int32_t dtype, ct_deleter deleter, void *context),                          \
    (data, sizes, rank, dtype, deleter, context))                                                                                \
  X(ct_generator, ct_make_generator, (uint64_t seed, int32_t device), (seed, device))                                            \
  X(void, ct_release_generator, (ct_generator g), (g))                                                                           \
  /* any operator by its name */                                                                                                 \
  X(ct_operator, ct_find_operator, (const char *name, const char *overload), (name, overload))                                   \
  X(const char *, ct_operator_schema, (ct_operator op), (op))                                                                    \
  X(int64_t, ct_call, (ct_operator op, const ct_value *arguments, int64_t count, const ct_value **results),                      \
    (op, arguments, count, results))                                                                                             \
  /* gradients */                                                                                                                \
  X(bool, ct_requires_gradient, (ct_tensor t), (t))                                                                              \
  X(int32_t, ct_set_requires_gradient, (ct_tensor t, bool value), (t, value))                                                    \
  X(bool, ct_recording, (void), ())                                                                                              \
  X(void, ct_set_recording, (bool value), (value))                                                                               \
  X(int32_t, ct_backward, (ct_tensor t, ct_tensor gradient, bool keep_graph), (t, gradient, keep_graph))                         \
  X(ct_tensor, ct_gradient, (ct_tensor t), (t))                                                                                  \
  X(int32_t, ct_set_gradient, (ct_tensor t, ct_tensor gradient), (t, gradient))                                                  \
  X(int32_t, ct_gradients,                                                                                                       \
    (const ct_tensor *outputs, const ct_tensor *output_gradients, int64_t output_count, const ct_tensor *inputs,                 \
     int64_t input_count, bool keep_graph, bool record, ct_tensor *results),                                                     \
    (outputs, output_gradients, output_count, inputs, input_count, keep_graph, record, results))                                 \
  X(int32_t, ct_attach_backward,                                                                                                 \
    (const ct_tensor *inputs, int64_t input_count, const ct_tensor *outputs, int64_t output_count, ct_tensor *results,           \
     ct_backward_function function, ct_deleter deleter, void *context),                                                          \
    (inputs, input_count, outputs, output_count, results, function, deleter, context))                                           \
  /* the operators of inner loops, without the detour over names */                                                              \
  X(ct_tensor, ct_add, (ct_tensor a, ct_tensor b), (a, b))                                                                       \
  X(ct_tensor, ct_subtract, (ct_tensor a, ct_tensor b), (a, b))                                                                  \
  X(ct_tensor, ct_multiply, (ct_tensor a, ct_tensor b), (a, b))                                                                  \
  X(ct_tensor, ct_divide, (ct_tensor a, ct_tensor b), (a, b))                                                                    \
  X(ct_tensor, ct_add_number, (ct_tensor a, double b), (a, b))                                                                   \
  X(ct_tensor, ct_multiply_number, (ct_tensor a, double b), (a, b))                                                              \
  X(ct_tensor, ct_matmul, (ct_tensor a, ct_tensor b), (a, b))                                                                    \
  X(ct_tensor, ct_linear, (ct_tensor x, ct_tensor weight, ct_tensor bias), (x, weight, bias))                                    \
  X(ct_tensor, ct_layer_norm,                                                                                                    \
    (ct_tensor x, const int64_t *shape, int64_t rank, ct_tensor weight, ct_tensor bias, double epsilon),                         \
    (x, shape, rank, weight, bias, epsilon))                                                                                     \
  X(ct_tensor, ct_softmax, (ct_tensor x, int64_t axis), (x, axis))                                                               \
  X(ct_tensor, ct_gelu, (ct_tensor x, bool tanh), (x, tanh))                                                                     \
  X(ct_tensor, ct_silu, (ct_tensor x), (x))                                                                                      \
  X(ct_tensor, ct_attention,                                                                                                     \
    (ct_tensor q, ct_tensor k, ct_tensor v, ct_tensor mask, bool causal, double scale, bool grouped),                            \
    (q, k, v, mask, causal, scale, grouped))                                                                                     \
  X(ct_tensor, ct_reshape, (ct_tensor x, const int64_t *shape, int64_t rank), (x, shape, rank))                                  \
  X(ct_tensor, ct_permute, (ct_tensor x, const int64_t *axes, int64_t rank), (x, axes, rank))                                    \
  X(ct_tensor, ct_transpose, (ct_tensor x, int64_t a, int64_t b), (x, a, b))                                                     \
  X(ct_tensor, ct_select, (ct_tensor x, int64_t axis, int64_t index), (x, axis, index))                                          \
  X(ct_tensor, ct_slice, (ct_tensor x, int64_t axis, int64_t start, int64_t end, int64_t step), (x, axis, start, end, step))     \
  X(ct_tensor, ct_concatenate, (const ct_tensor *parts, int64_t count, int64_t axis), (parts, count, axis))                      \
  X(ct_tensor, ct_embedding, (ct_tensor weight, ct_tensor indices), (weight, indices))                                           \
  X(ct_tensor, ct_mean, (ct_tensor x), (x))                                                                                      \
  X(ct_tensor, ct_detach, (ct_tensor x), (x))                                                                                    \
  X(ct_tensor, ct_convert, (ct_tensor x, int32_t dtype, int32_t device, bool copy), (x, dtype, device, copy))                    \
  /* groups of processes */                                                                                                      \
  X(ct_group, ct_make_group, (const char *address, int64_t port, int64_t rank, int64_t size, double timeout),                    \
    (address, port, rank, size, timeout))                                                                                        \
  X(void, ct_release_group, (ct_group g), (g))                                                                                   \
  X(int32_t, ct_all_reduce, (ct_group g, ct_tensor t), (g, t))                                                                   \
  X(int32_t, ct_broadcast, (ct_group g, ct_tensor t, int64_t root), (g, t, root))

#define CT_MEMBER(RESULT, NAME, PARAMETERS, ARGUMENTS) RESULT(*NAME) PARAMETERS;
typedef struct {
  uint32_t version;
  uint32_t size;  // of the table in bytes
  CT_FUNCTIONS(CT_MEMBER)
} ct_table;
#undef CT_MEMBER

// The shim defines this and nothing else.
typedef const ct_table *(*ct_table_function)(void);

#ifndef CT_SHIM
extern const ct_table *ct_loaded;

// Opens the shim at a path. 0: done. Otherwise a sentence that says why not is written to `message`.
int32_t ct_load(const char *path, char *message, int64_t capacity);

#define CT_TRAMPOLINE(RESULT, NAME, PARAMETERS, ARGUMENTS) \
  static inline RESULT NAME PARAMETERS { return ct_loaded->NAME ARGUMENTS; }
CT_FUNCTIONS(CT_TRAMPOLINE)
#undef CT_TRAMPOLINE
#endif

#endif
