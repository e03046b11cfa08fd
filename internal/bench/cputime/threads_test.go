package cputime

import (
	"fmt"
	"os"
	"testing"
	"time"
)

func TestUseIsParsed(t *testing.T) {
	for line, want := range map[string]Use{
		"0 51391 1\n":                      {0, 51391, 1},
		"9223372036854775807 2 3":          {1<<63 - 1, 2, 3},
		" 1500000000  20 7 ":               {1500 * time.Millisecond, 20, 7},
		"":                                 {},
		"1 2":                              {},
		"1 2 3 4":                          {},
		"-1 2 3":                           {},
		"1 2 x":                            {},
		"9223372036854775808 2 3":          {},
		"1 99999999999999999999999999 3\n": {},
	} {
		got, err := parseUse(line)
		if got != want || (err == nil) != (want != Use{}) {
			t.Errorf("%q: %+v, %v, want %+v", line, got, err, want)
		}
	}
}

// FuzzUse: what is parsed is not negative, and is written as it was read.
func FuzzUse(f *testing.F) {
	f.Add("0 51391 1\n")
	f.Add("1 -2 3")
	f.Fuzz(func(t *testing.T, line string) {
		u, err := parseUse(line)
		if err != nil {
			return
		}
		if u.Ran < 0 || u.Waited < 0 || u.Stays < 0 {
			t.Errorf("%q: %+v", line, u)
		}
		if again, err := parseUse(fmt.Sprintf("%d %d %d", int64(u.Ran), int64(u.Waited), u.Stays)); err != nil || again != u {
			t.Errorf("%q: %+v, then %+v, %v", line, u, again, err)
		}
	})
}

func TestUseSinceAReading(t *testing.T) {
	if got, want := (Use{10, 20, 3}).Minus(Use{4, 5, 1}), (Use{6, 15, 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestWorkIsUseOfAThread: together the threads of this process have run longer after
// work than before.
func TestWorkIsUseOfAThread(t *testing.T) {
	sum := func() (out Use) {
		all, err := Threads(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range all {
			out.Ran, out.Stays = out.Ran+u.Ran, out.Stays+u.Stays
		}
		return out
	}
	before, x := sum(), 1.0
	if before.Stays == 0 {
		t.Error("no thread ever ran")
	}
	for after := before; after.Ran < before.Ran+time.Millisecond; after = sum() {
		for range 1 << 16 {
			x = x*1.0000001 + 1e-9
		}
	}
	if x == 0 {
		t.Error(x)
	}
	if _, err := Threads(-1); err == nil {
		t.Error("a process that is not there has threads")
	}
}
