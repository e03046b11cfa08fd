#!/usr/bin/env bash
# Compiles the kernels into the directory OUT: cubins for sm_90a, and PTX that drivers compile for sm_80 and later. The
# compiler is that of CUDA 13.0, as wheels of PyPI, whose sums are below; they are kept in CACHE.
# usage: build.sh OUT CACHE
set -euo pipefail
out=$(realpath -m "$1") cache=$(realpath -m "$2")
cd "$(dirname "$0")"

wheels() {
  cat <<'SUMS'
56fe502eb77625a12f25172caa3cdddb4e4c8ba2c8c17dba44b164761b380f03  nvidia_cuda_nvcc-13.0.88-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
c5f41ffeb6466944a026dfa5317d7d85355c119bbec279205d22f1869d1054e0  nvidia_nvvm-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl
2c8043c7c9e02492716426e9919fc78d2c5b3b2a7a768a88e952676b08aa55a4  nvidia_cuda_crt-13.0.88-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548  nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
e0da7ad981f3a8aff08241b5bfc1af868742a63e2762f53a5171c492ef242649  nvidia_cuda_cccl-13.0.85-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
SUMS
}

if [ ! -x "$cache/nvidia/cu13/bin/nvcc" ]; then
  rm -rf "$cache" && mkdir -p "$cache/wheels"
  python3 -m pip download --quiet --no-deps --only-binary :all: --platform manylinux2014_x86_64 --platform manylinux2010_x86_64 -d "$cache/wheels" \
    nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85
  (cd "$cache/wheels" && wheels | sha256sum --check --quiet)
  for wheel in "$cache"/wheels/*.whl; do python3 -m zipfile -e "$wheel" "$cache"; done
  rm -r "$cache/wheels"
  chmod +x "$cache"/nvidia/cu13/bin/* "$cache"/nvidia/cu13/nvvm/bin/*
fi

nvcc=$cache/nvidia/cu13/bin/nvcc
mkdir -p "$out"
cmp -s <(python3 wgmma_shapes.py) wgmma_shapes.cuh || { echo "wgmma_shapes.cuh is not what wgmma_shapes.py writes" >&2; exit 1; }

# cubin NAME: spilled registers and serialized wgmma are faults of a kernel that must be fast
cubin() {
  "$nvcc" -std=c++17 -O3 -cubin -gencode=arch=compute_90a,code=sm_90a -Xptxas -v -o "$out/$1.cubin" "$1.cu" 2> "$out/$1.log" || { cat "$out/$1.log" >&2; exit 1; }
  ! grep -iE 'C75[0-9][0-9]|[1-9][0-9]* bytes spill' "$out/$1.log" >&2 || { echo "$1.cu: see above" >&2; exit 1; }
  rm "$out/$1.log"
}

# ptx NAME: without the comments, which name the compiler's build
ptx() {
  "$nvcc" -std=c++17 -O3 -ptx -arch=compute_80 -o "$out/$1.ptx" "$1.cu"
}

cubin wgmma
cubin dense
cubin portable
ptx portable
ptx dense
cubin support
ptx support
cat -- *.cu *.cuh | sha256sum | cut -d' ' -f1 > "$out/sources.sha256"
