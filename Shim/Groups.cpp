// Groups of processes that add up their gradients: libtorch's own Gloo, NCCL where there is CUDA, or a clear refusal where
// neither can be reached.
#include "Shim.h"

#ifdef CT_GLOO
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#ifdef CT_NCCL
#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

using namespace shim;

struct Group {
  c10::intrusive_ptr<c10d::TCPStore> store;
  c10::intrusive_ptr<c10d::Backend> gloo, nccl;

  /// Who moves this tensor: Gloo in the memory of processors, NCCL on accelerators.
  c10d::Backend &over(const at::Tensor &tensor) {
    if (tensor.is_cpu()) return *gloo;
    TORCH_CHECK(nccl, "this shim was built without NCCL, and the tensor lies on ", tensor.device());
    return *nccl;
  }
};

ct_group ct_make_group(const char *address, int64_t port, int64_t rank, int64_t size, double timeout) {
  return guarded<ct_group>(nullptr, [&] {
    auto milliseconds = std::chrono::milliseconds(static_cast<int64_t>(timeout * 1000));
    c10d::TCPStoreOptions where;
    where.port = static_cast<uint16_t>(port);
    where.isServer = rank == 0;
    where.numWorkers = static_cast<size_t>(size);
    where.timeout = milliseconds;
    auto store = c10::make_intrusive<c10d::TCPStore>(address, where);
    auto options = c10d::ProcessGroupGloo::Options::create(milliseconds);
    std::string host(address);
    bool loopback = host == "localhost" || host.rfind("127.", 0) == 0;
    options->devices.push_back(
        loopback ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1", false)
                 : c10d::ProcessGroupGloo::createDefaultDevice(false));
    auto gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(
        c10::make_intrusive<c10d::PrefixStore>("gloo", store), static_cast<int>(rank), static_cast<int>(size), options);
    auto group = std::make_unique<Group>(Group{store, gloo, nullptr});
#ifdef CT_NCCL
    if (at::getAccelerator(false)) {
      auto fast = c10d::ProcessGroupNCCL::Options::create();
      fast->timeout = milliseconds;
      group->nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(
          c10::make_intrusive<c10d::PrefixStore>("nccl", store), static_cast<int>(rank), static_cast<int>(size), fast);
    }
#endif
    return reinterpret_cast<ct_group>(group.release());
  });
}
void ct_release_group(ct_group g) { delete reinterpret_cast<Group *>(g); }
int32_t ct_all_reduce(ct_group g, ct_tensor t) {
  return guarded(-1, [&] {
    std::vector<at::Tensor> tensors{shared(t)};
    reinterpret_cast<Group *>(g)->over(tensors[0]).allreduce(tensors)->wait();
    return 0;
  });
}
int32_t ct_broadcast(ct_group g, ct_tensor t, int64_t root) {
  return guarded(-1, [&] {
    std::vector<at::Tensor> tensors{shared(t)};
    c10d::BroadcastOptions options;
    options.rootRank = root;
    reinterpret_cast<Group *>(g)->over(tensors[0]).broadcast(tensors, options)->wait();
    return 0;
  });
}

#else

using namespace shim;

static const char *absent =
    "this shim was built without the headers of Gloo (Debian: libgloo-dev): install them and build it anew with 'make torch'";
ct_group ct_make_group(const char *, int64_t, int64_t, int64_t, double) {
  shim::error = absent;
  return nullptr;
}
void ct_release_group(ct_group) {}
int32_t ct_all_reduce(ct_group, ct_tensor) {
  shim::error = absent;
  return -1;
}
int32_t ct_broadcast(ct_group, ct_tensor, int64_t) {
  shim::error = absent;
  return -1;
}

#endif
