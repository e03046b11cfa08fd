package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
)

const (
	first = 10_000
	count = 20_000
	tries = 100
)

// Loopback returns an address of 127.0.0.1 that no process listens at.
func Loopback() (string, error) {
	var last error
	for range tries {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+rand.IntN(count)))
		if err == nil {
			return l.Addr().String(), l.Close()
		}
		last = err
	}
	return "", fmt.Errorf("no port between %d and %d is free in %d tries: %w", first, first+count, tries, last)
}

// tester is what Address needs of a testing.TB.
type tester interface {
	Helper()
	Fatal(args ...any)
}

// Address is Loopback, or the test fails.
func Address(t tester) string {
	t.Helper()
	address, err := Loopback()
	if err != nil {
		t.Fatal(err)
	}
	return address
}
