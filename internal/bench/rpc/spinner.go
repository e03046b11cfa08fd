package rpc

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"sync/atomic"
)

// spin keeps a core from halting until in ends.
func spin(c Cores, in io.Reader, out io.Writer) error {
	runtime.LockOSThread()
	if c == Awake {
		if err := lowestClass(); err != nil {
			return err
		}
	}
	var ended atomic.Bool
	go func() {
		_, _ = io.Copy(io.Discard, in)
		ended.Store(true)
	}()
	fmt.Fprintln(out, os.Getpid())
	for n := uint64(1); !ended.Load(); {
		for range 1 << 12 {
			n = n*6364136223846793005 + 1
		}
		if n == 0 {
			return fmt.Errorf("an odd number became even")
		}
	}
	return nil
}
