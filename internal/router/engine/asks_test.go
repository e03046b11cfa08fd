//go:build !race

package engine_test

// metamorphicAsks is the number of requests of TestMetamorphic.
const metamorphicAsks = 200
