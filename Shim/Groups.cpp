// Groups of processes that add up their gradients: libtorch's own Gloo, or a clear refusal where it cannot be reached.
#include "Shim.h"

#ifdef CT_GLOO
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

using namespace shim;

struct Group {
  c10::intrusive_ptr<c10d::TCPStore> store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
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
        store, static_cast<int>(rank), static_cast<int>(size), options);
    return reinterpret_cast<ct_group>(new Group{store, gloo});
  });
}
void ct_release_group(ct_group g) { delete reinterpret_cast<Group *>(g); }
int32_t ct_all_reduce(ct_group g, ct_tensor t) {
  return guarded(-1, [&] {
    std::vector<at::Tensor> tensors{shared(t)};
    reinterpret_cast<Group *>(g)->gloo->allreduce(tensors)->wait();
    return 0;
  });
}
int32_t ct_broadcast(ct_group g, ct_tensor t, int64_t root) {
  return guarded(-1, [&] {
    std::vector<at::Tensor> tensors{shared(t)};
    c10d::BroadcastOptions options;
    options.rootRank = root;
    reinterpret_cast<Group *>(g)->gloo->broadcast(tensors, options)->wait();
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
