#!/usr/bin/env python3
"""Computes experts for a hachi expert node, on anything that JAX runs on.

The node starts this program and names a Unix socket in HACHI_SIDECAR_SOCKET;
docs/sidecar.md is the specification of what they say to each other.

One program of one shape computes everything: TILE rows, padded, through an expert
whose matrices are arguments. So one compilation serves all experts, and a row's bits
cannot depend on the number of rows of its call. That they do not depend on the place
in the tile either is checked before the first expert is loaded.
"""

import argparse
import collections
import hashlib
import mmap
import os
import re
import select
import signal
import socket
import struct
import sys

TILE = 128
PROTOCOL = 1
PROGRAM = 1  # changes with every change of the arithmetic below
HELLO, CONFIGURE, LOAD, UNLOAD, RUN, DONE, FAILED = range(1, 8)
HEADER = struct.Struct("<2sBBIQ")
MAX_BODY = 4096
PAGE = 4096

FLAGS = {
    # One thread: no sum is cut at a place that depends on the number of cores.
    "cpu": "--xla_cpu_multi_thread_eigen=false --xla_cpu_enable_fast_math=false --xla_allow_excess_precision=false",
    # No choice of kernels by their time: two helpers would choose different ones.
    "gpu": "--xla_gpu_autotune_level=0 --xla_gpu_deterministic_ops=true --xla_allow_excess_precision=false",
    "neuron": "--xla_allow_excess_precision=false",
}
PLATFORMS = {"cpu": "cpu", "gpu": "cuda", "neuron": "neuron"}


class Refused(Exception):
    """A frame that cannot be obeyed. The node gets the reason."""


def aligned(n):
    return (n + PAGE - 1) // PAGE * PAGE


class Program:
    """The arithmetic of an expert on one device."""

    def __init__(self, kind, index, cache):
        os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), FLAGS[kind]]).strip()
        os.environ["JAX_PLATFORMS"] = PLATFORMS[kind]
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        if kind == "neuron":
            os.environ.setdefault("NEURON_COMPILE_CACHE_URL", cache)
            # The runtime takes every core that it sees: other helpers take the others.
            os.environ["NEURON_RT_VISIBLE_CORES"], index = str(index), 0
            os.environ["NEURON_RT_STOCHASTIC_ROUNDING_EN"] = "0"
            os.environ["NEURON_CC_FLAGS"] = (os.environ.get("NEURON_CC_FLAGS", "") + " --auto-cast=none").strip()
        try:
            import jax
            import jaxlib
            import numpy
            import ml_dtypes
        except ImportError as e:
            raise Refused(f"{e}: install sidecar/requirements-{kind}.txt into the Python of the helper, {sys.executable}")
        self.jax, self.numpy, self.kind = jax, numpy, kind
        self.types = {1: numpy.dtype(numpy.float32), 2: numpy.dtype(ml_dtypes.bfloat16)}
        jax.config.update("jax_compilation_cache_dir", cache)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        try:
            devices = jax.devices()
        except (RuntimeError, AssertionError) as e:
            raise Refused(f"no device of kind {kind}: {str(e) or 'its plugin is not installed: sidecar/requirements-' + kind + '.txt'}")
        if index >= len(devices):
            raise Refused(f"device {index} of kind {kind}: this machine shows {len(devices)}")
        self.device = devices[index]
        self.versions = f"jax {jax.__version__}, jaxlib {jaxlib.__version__}, {self.device.client.platform_version}"
        self.expert = jax.jit(self.define(), static_argnames="inner")

    def define(self):
        jax, jnp = self.jax, self.jax.numpy
        highest, native = jax.lax.Precision.HIGHEST, self.kind != "cpu"

        def product(x, w):
            # Products of bf16 are exact in f32, in which both forms sum.
            if not (native and x.dtype == w.dtype == jnp.bfloat16):
                x, w = x.astype(jnp.float32), w.astype(jnp.float32)
            return jax.lax.dot_general(x, w, (((1,), (0,)), ((), ())), precision=highest, preferred_element_type=jnp.float32)

        def expert(x, w1, w3, w2, inner):
            gate, up = product(x, w1), product(x, w3)
            y = gate * jax.lax.logistic(gate) * up
            if inner == 2:  # reduce_precision is never optimized away
                y = jax.lax.reduce_precision(y, 8, 7).astype(jnp.bfloat16)
            return product(y, w2).astype(x.dtype)

        return expert

    def put(self, array):
        """Copies an array to the device. On a CPU, JAX would keep the memory itself."""
        return self.jax.device_put(self.numpy.array(array, copy=True), self.device)

    def tile(self, rows):
        """Copies at most TILE rows to the device, padded with zeros."""
        padded = self.numpy.zeros((TILE, rows.shape[1]), rows.dtype)
        padded[: len(rows)] = rows
        return self.jax.device_put(padded, self.device)

    def random(self, hidden, ffn, wire, weights, seed):
        numpy = self.numpy
        draw = numpy.random.Generator(numpy.random.PCG64(seed))

        def normal(rows, cols, scale):
            return (draw.standard_normal((rows, cols), numpy.float32) * numpy.float32(scale))

        x = normal(TILE, hidden, 1).astype(self.types[wire])
        w = [normal(hidden, ffn, hidden**-0.5), normal(hidden, ffn, hidden**-0.5), normal(ffn, hidden, ffn**-0.5)]
        return x, [self.put(m.astype(self.types[weights])) for m in w]

    def check(self, hidden, ffn, wire, weights, inner):
        """Compiles the program of a shape, and refuses a device on which a row's bits
        depend on its place or on other rows."""
        numpy = self.numpy
        x, w = self.random(hidden, ffn, wire, weights, 1)
        want = numpy.asarray(self.expert(self.tile(x), *w, inner=inner)).view(numpy.uint8)
        if not numpy.isfinite(want.view(x.dtype).astype(numpy.float32)).all():
            raise Refused("the device computes what is not a number from finite rows")
        for shift in (1, 5, 16, 64, 127):
            got = numpy.asarray(self.expert(self.tile(numpy.roll(x, shift, 0)), *w, inner=inner)).view(numpy.uint8)
            if not numpy.array_equal(numpy.roll(got, -shift, 0), want):
                raise Refused(f"a row has other bits {shift} places further in a tile of this device: it cannot serve")
        other = x.copy()
        other[1::2] = numpy.nan
        got = numpy.asarray(self.expert(self.tile(other), *w, inner=inner)).view(numpy.uint8)
        if not numpy.array_equal(got[::2], want[::2]):
            raise Refused("a row has other bits beside rows of NaN on this device: it cannot serve")

    def family(self):
        """Names what decides bits: the kind of the device, the versions, and what a
        probe gives. Processors of one kind sum in other orders where their caches or
        instructions differ; the probe tells them apart."""
        numpy, probe = self.numpy, hashlib.sha256()
        for hidden, ffn, element in ((256, 288, 2), (1024, 768, 2), (384, 1536, 1)):
            x, w = self.random(hidden, ffn, element, element, 2)
            probe.update(numpy.asarray(self.expert(self.tile(x), *w, inner=1)).tobytes())
        versions = hashlib.sha256(self.versions.encode()).hexdigest()[:8]
        name = f"xla-{self.device.platform}-{self.device.device_kind}-jax{self.jax.__version__}-v{versions}-p{PROGRAM}-{probe.hexdigest()[:12]}"
        return re.sub(r"[^a-z0-9._+-]+", ".", name.lower())[:200]

    def memory(self):
        """The device's memory for experts; 0 is unknown. What is kept back is for rows
        and for the program."""
        if self.kind == "cpu":
            return 0  # that of the machine, which the node knows
        stats = self.device.memory_stats() or {}
        return int(stats.get("bytes_limit", 0) * 0.92)


class Node:
    """The connection to the node, and the memory that it shares."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.files, self.buffer = collections.deque(), b""

    def send(self, kind, number=0, body=b""):
        self.socket.sendall(HEADER.pack(b"HS", PROTOCOL, kind, len(body), number) + body)

    def fail(self, number, reason):
        text = str(reason).encode()[: MAX_BODY - 16].decode(errors="ignore").encode()
        self.send(FAILED, number, struct.pack("<H", len(text)) + text)

    def waits(self):
        """Whether bytes of a frame are here."""
        return bool(self.buffer) or bool(select.select([self.socket], [], [], 0)[0])

    def fill(self, n):
        """Reads until n bytes are buffered; False at the end of the socket."""
        while len(self.buffer) < n:
            data, files, _, _ = socket.recv_fds(self.socket, 1 << 16, 16)
            self.files.extend(files)
            if not data:
                return False
            self.buffer += data
        return True

    def frame(self):
        """The next frame: kind, number, body; None at the end of the socket."""
        if not self.fill(HEADER.size):
            return None
        magic, version, kind, size, number = HEADER.unpack_from(self.buffer)
        if magic != b"HS" or version != PROTOCOL or size > MAX_BODY:
            raise SystemExit(f"a frame of {magic!r}, version {version}, {size} bytes: expected HS, {PROTOCOL}: node and helper are of different releases")
        if not self.fill(HEADER.size + size):
            return None
        body, self.buffer = self.buffer[HEADER.size : HEADER.size + size], self.buffer[HEADER.size + size :]
        return kind, number, body

    def map(self, size):
        """Maps the file of the present frame."""
        if not self.files:
            raise Refused("a frame without its file")
        fd = self.files.popleft()
        try:
            return mmap.mmap(fd, size)
        finally:
            os.close(fd)


class Helper:
    """Answers the frames of a node in their order. Several tiles are on the device at a
    time: the next is begun before the last is read."""

    def __init__(self, node, program):
        self.node, self.program = node, program
        self.experts, self.begun, self.checked = {}, collections.deque(), set()

    def serve(self):
        while True:
            while self.begun and not self.node.waits():
                self.finish()
            frame = self.node.frame()
            if frame is None:
                return
            kind, number, body = frame
            if kind == RUN:
                self.run(number, body)
                continue
            while self.begun:  # answers keep the order of frames
                self.finish()
            try:
                {CONFIGURE: self.configure, LOAD: self.load, UNLOAD: self.unload}[kind](body)
            except Refused as e:
                self.node.fail(number, e)
            except (self.program.jax.errors.JaxRuntimeError, MemoryError) as e:
                self.node.fail(number, f"the device refused: {e}")
            else:
                self.node.send(DONE, number)

    def configure(self, body):
        self.hidden, self.ffn, self.wire, self.inner, slots = struct.unpack("<5I", body)
        row = self.hidden * self.program.types[self.wire].itemsize
        self.half = aligned(TILE * row)
        self.rows = self.node.map(slots * 2 * self.half)

    def matrix(self, memory, i, dtype, rows, cols):
        """Matrix i of an expert, transposed: [cols, rows]."""
        size = aligned(rows * cols * dtype.itemsize)
        return self.program.numpy.frombuffer(memory, dtype, rows * cols, i * size).reshape(rows, cols).T

    def load(self, body):
        layer, expert, element = struct.unpack("<3I", body)
        dtype = self.program.types[element]
        memory = self.node.map(3 * aligned(self.hidden * self.ffn * dtype.itemsize))
        if element not in self.checked:
            self.program.check(self.hidden, self.ffn, self.wire, element, self.inner)
            self.checked.add(element)
        shapes = ((self.ffn, self.hidden), (self.ffn, self.hidden), (self.hidden, self.ffn))
        w = [self.program.put(self.matrix(memory, i, dtype, *s)) for i, s in enumerate(shapes)]
        self.program.jax.block_until_ready(w)
        memory.close()
        self.experts[layer, expert] = w

    def unload(self, body):
        self.experts.pop(struct.unpack("<2I", body), None)

    def slot(self, slot, half, rows):
        dtype = self.program.types[self.wire]
        return self.program.numpy.frombuffer(self.rows, dtype, rows * self.hidden, (2 * slot + half) * self.half).reshape(rows, self.hidden)

    def run(self, number, body):
        layer, expert, slot, rows = struct.unpack("<4I", body)
        w = self.experts.get((layer, expert))
        if w is None:
            self.begun.append((number, slot, rows, Refused(f"expert {layer}.{expert} is not loaded")))
            return
        try:
            y = self.program.expert(self.program.tile(self.slot(slot, 0, rows)), *w, inner=self.inner)
        except self.program.jax.errors.JaxRuntimeError as e:
            y = e
        self.begun.append((number, slot, rows, y))

    def finish(self):
        number, slot, rows, y = self.begun.popleft()
        try:
            if isinstance(y, Exception):
                raise y
            self.slot(slot, 1, rows)[:] = self.program.numpy.asarray(y)[:rows]
        except (Refused, self.program.jax.errors.JaxRuntimeError) as e:
            self.node.fail(number, e)
        else:
            self.node.send(DONE, number)


def hello(program):
    family, device = program.family().encode(), f"{program.device.device_kind}, {program.versions}"
    device = re.sub(r"\s+", " ", device).encode()[:1000].decode(errors="ignore").encode()
    head = struct.pack("<IQ", TILE, program.memory())
    return head + b"".join(struct.pack("<H", len(text)) + text for text in (family, device))


def main():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--device", choices=sorted(FLAGS), required=True)
    p.add_argument("--index", type=int, help="which device of this kind, from 0; HACHI_SIDECAR_INDEX when absent, on a processor 0")
    p.add_argument("--cache", default=os.path.join(cache, "hachi", "xla"), help="directory of compiled programs")
    p.add_argument("--family", action="store_true", help="print the numerics family and exit")
    args = p.parse_args()
    if args.index is None:  # helpers of a node share its processor
        args.index = 0 if args.device == "cpu" else int(os.environ.get("HACHI_SIDECAR_INDEX", 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the node decides
    path = os.environ.get("HACHI_SIDECAR_SOCKET")
    if not path and not args.family:
        raise SystemExit("HACHI_SIDECAR_SOCKET is not set: a hachi expert node starts this program, with --backend sidecar")
    if args.family:
        try:
            print(Program(args.device, args.index, args.cache).family())
        except Refused as e:
            raise SystemExit(str(e))
        return
    node = Node(path)
    try:
        program = Program(args.device, args.index, args.cache)
        node.send(HELLO, 0, hello(program))
    except Refused as e:
        node.fail(0, e)
        raise SystemExit(str(e))
    try:
        Helper(node, program).serve()
    except (BrokenPipeError, ConnectionResetError):
        pass  # the node is gone


if __name__ == "__main__":
    main()
