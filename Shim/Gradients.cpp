// Gradients: recording, backward passes, and nodes of the graph whose backward pass is a function of the caller.
#include "Shim.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

using namespace shim;

bool ct_requires_gradient(ct_tensor t) { return (*Borrowed(t)).requires_grad(); }
int32_t ct_set_requires_gradient(ct_tensor t, bool value) {
  return guarded(-1, [&] {
    (*Borrowed(t)).requires_grad_(value);
    return 0;
  });
}
bool ct_recording() { return at::GradMode::is_enabled(); }
void ct_set_recording(bool value) { at::GradMode::set_enabled(value); }

int32_t ct_backward(ct_tensor t, ct_tensor gradient_, bool keepGraph) {
  return guarded(-1, [&] {
    Borrowed output(t), gradient(gradient_);
    torch::autograd::backward({*output}, {*gradient}, keepGraph, /*create_graph=*/false);
    return 0;
  });
}
ct_tensor ct_gradient(ct_tensor t) {
  return guarded<ct_tensor>(nullptr, [&] { return owned((*Borrowed(t)).grad()); });
}
int32_t ct_set_gradient(ct_tensor t, ct_tensor gradient) {
  return guarded(-1, [&] {
    (*Borrowed(t)).mutable_grad() = gradient ? shared(gradient) : at::Tensor();
    return 0;
  });
}

int32_t ct_gradients(
    const ct_tensor *outputs, const ct_tensor *outputGradients, int64_t outputCount, const ct_tensor *inputs,
    int64_t inputCount, bool keepGraph, bool record, ct_tensor *results) {
  return guarded(-1, [&] {
    auto seeds = list(outputGradients, outputGradients ? outputCount : 0);
    auto found = torch::autograd::grad(
        list(outputs, outputCount), list(inputs, inputCount), seeds, keepGraph, record, /*allow_unused=*/true);
    for (int64_t i = 0; i < inputCount; ++i) results[i] = owned(std::move(found[static_cast<size_t>(i)]));
    return 0;
  });
}

namespace {

struct CallbackNode final : public torch::autograd::Node {
  ct_backward_function function;
  ct_deleter deleter;
  void *context;
  size_t inputCount = 0;

  CallbackNode(ct_backward_function f, ct_deleter d, void *c) : function(f), deleter(d), context(c) {}
  ~CallbackNode() override { deleter(context); }
  std::string name() const override { return "SwiftBackward"; }

  torch::autograd::variable_list apply(torch::autograd::variable_list &&given) override {
    std::vector<ct_tensor> incoming, outgoing(inputCount, nullptr);
    for (at::Tensor &t : given) incoming.push_back(owned(std::move(t)));
    int32_t status = function(
        context, incoming.data(), static_cast<int64_t>(incoming.size()), outgoing.data(), static_cast<int64_t>(inputCount));
    torch::autograd::variable_list result;
    for (ct_tensor t : outgoing) {
      result.push_back(t ? shared(t) : at::Tensor());
      if (t) ct_release(t);
    }
    TORCH_CHECK(status == 0, shim::error);
    return result;
  }
};

}  // namespace

int32_t ct_attach_backward(
    const ct_tensor *inputs, int64_t inputCount, const ct_tensor *outputs, int64_t outputCount, ct_tensor *results,
    ct_backward_function function, ct_deleter deleter, void *context) {
  auto node = c10::make_intrusive<CallbackNode>(function, deleter, context);
  return guarded(-1, [&] {
    auto sources = list(inputs, inputCount);
    node->inputCount = static_cast<size_t>(inputCount);
    node->set_next_edges(torch::autograd::collect_next_edges(sources));
    for (int64_t i = 0; i < outputCount; ++i) {
      at::Tensor output = shared(outputs[i]).detach();
      torch::autograd::create_gradient_edge(output, node);
      results[i] = owned(std::move(output));
    }
    return 0;
  });
}
