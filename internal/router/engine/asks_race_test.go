//go:build race

package engine_test

// metamorphicAsks is the number of requests of TestMetamorphic: fewer, because
// minutes more find no other race.
const metamorphicAsks = 80
