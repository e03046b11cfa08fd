package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is main without the exit, so that tests can be the program.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := local.WatchParent(func() { os.Exit(1) }); err != nil {
		fmt.Fprintln(os.Stderr, "hachi:", err)
		return local.Permanent
	}
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil, errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return 0
	case errors.As(err, new(*role.ConfigError)):
		fmt.Fprintln(os.Stderr, "hachi:", err)
		return local.Permanent
	default:
		fmt.Fprintln(os.Stderr, "hachi:", err)
		return 1
	}
}
