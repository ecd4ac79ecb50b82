#!/usr/bin/env bash
# Brings libtorch into .deps/torch (unless TESSERA_TORCH names one) and builds the shim beside it.
#
#   TESSERA_TORCH  a folder with include/ and lib/ of a libtorch, for instance the 'torch' folder of a Python package with CUDA
#   TESSERA_CUDA   a folder with include/ of CUDA and NCCL, for training over several accelerators
#   TESSERA_GLOO   the folder above gloo/, if its headers are not in /usr/include
set -euo pipefail
cd "$(dirname "$0")/.."
version=2.13.0
torch=${TESSERA_TORCH:-.deps/torch}
python=${PYTHON:-python3}
compiler=${CXX:-clang++}

if [ ! -e "$torch/lib/libtorch_cpu.so" ]; then
  [ -z "${TESSERA_TORCH:-}" ] || { echo "TESSERA_TORCH: $torch holds no lib/libtorch_cpu.so" >&2; exit 1; }
  echo "Bringing libtorch $version into $torch (200 MB)"
  rm -rf .deps/torch.part && mkdir -p .deps/torch.part
  for wanted in "torch==$version+cpu" "torch==$version"; do
    "$python" -m pip download --quiet --no-deps --only-binary :all: --dest .deps/torch.part "$wanted" 2>/dev/null && break
  done
  wheel=$(ls .deps/torch.part/torch-*.whl 2>/dev/null) || { echo "pip cannot bring torch $version" >&2; exit 1; }
  "$python" - "$wheel" .deps/torch.part <<'PYTHON'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    wanted = [n for n in wheel.namelist() if n.startswith(("torch/include/", "torch/lib/")) and "libtorch_python" not in n]
    wheel.extractall(sys.argv[2], wanted)
PYTHON
  rm -rf .deps/torch && mv .deps/torch.part/torch .deps/torch && rm -rf .deps/torch.part
fi

command -v "$compiler" >/dev/null || { echo "No C++ compiler '$compiler' found: set CXX." >&2; exit 1; }
shim=.deps/lib/libtessera_torch.so
gloo=()
if [ -e /usr/include/gloo/config.h ] || [ -n "${TESSERA_GLOO:-}" ]; then
  gloo=(-DCT_GLOO -idirafter "${TESSERA_GLOO:-/usr/include}" -isystem "$torch/include/torch/csrc/api/include")
fi
# NCCL needs the headers of CUDA and its own beside a libtorch with CUDA: TESSERA_CUDA names their folder.
if [ ${#gloo[@]} -gt 0 ] && [ -e "$torch/lib/libtorch_cuda.so" ] && [ -n "${TESSERA_CUDA:-}" ]; then
  gloo+=(-DCT_NCCL -isystem "$TESSERA_CUDA/include")
fi
mkdir -p .deps/lib .deps/shim
stamp="$(cat Shim/* Sources/CTorch/include/CTorch.h Scripts/torch.sh | cksum) $torch ${gloo[*]:-}"
if [ -e "$shim" ] && [ "$(cat .deps/shim/stamp 2>/dev/null)" = "$stamp" ]; then exit 0; fi
echo "Building the shim over libtorch"
objects=()
for source in Shim/*.cpp; do
  name=$(basename "$source" .cpp)
  object=.deps/shim/$name.o
  flags=()
  [ "$name" = Groups ] && flags=(${gloo[@]+"${gloo[@]}"})
  own=$(cat "$source" Shim/Shim.h Sources/CTorch/include/CTorch.h | cksum; echo "$torch ${flags[*]:-}")
  if [ ! -e "$object" ] || [ "$(cat "$object.stamp" 2>/dev/null)" != "$own" ]; then
    "$compiler" -std=c++20 -O2 -fPIC -fvisibility=hidden ${flags[@]+"${flags[@]}"} -isystem "$torch/include" -c "$source" -o "$object"
    echo "$own" > "$object.stamp"
  fi
  objects+=("$object")
done
libraries=(-ltorch_cpu -lc10)
[ -e "$torch/lib/libtorch_cuda.so" ] && libraries=(-Wl,--no-as-needed -ltorch_cuda -lc10_cuda "${libraries[@]}")
rpath="\$ORIGIN/../torch/lib"
[ -n "${TESSERA_TORCH:-}" ] && rpath=$(cd "$torch/lib" && pwd)
"$compiler" -shared -Wl,-z,defs "${objects[@]}" -o "$shim.part" -L"$torch/lib" "${libraries[@]}" "-Wl,-rpath,$rpath"
mv "$shim.part" "$shim"
echo "$stamp" > .deps/shim/stamp
