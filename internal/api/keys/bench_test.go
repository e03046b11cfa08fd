package keys

import (
	"fmt"
	"testing"
)

// BenchmarkEnter is what a request costs more with keys.
func BenchmarkEnter(b *testing.B) {
	for _, n := range []int{1, 100, MaxEntries} {
		b.Run(fmt.Sprintf("%d keys", n), func(b *testing.B) {
			var entries []Entry
			for i := range n {
				entries = append(entries, entry(fmt.Sprint(i), Limits{RequestsPerMinute: 1 << 40, Concurrency: 1 << 20, TokensPerDay: 1 << 40}))
			}
			gate := &Gate{Clients: NewGuard(entries)}
			for b.Loop() {
				caller, err := gate.Enter("KEY-0")
				if err != nil {
					b.Fatal(err)
				}
				caller.Use(1, 1)
				caller.Leave()
			}
		})
	}
}
