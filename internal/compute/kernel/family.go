package kernel

// Family names the order of operations that this package defines. It enters the
// fingerprint of every backend that computes with these loops, on whatever
// instruction set: all of them have the same bits.
const Family = "cpu-l16-fma-pairs"
