package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

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
		return local.ExitConfigError
	}
	root := newRoot()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil, errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return 0
	case errors.As(err, new(*role.ConfigError)):
		for _, line := range explain(cmd, err) {
			fmt.Fprintln(os.Stderr, "hachi:", line)
		}
		return local.ExitConfigError
	default:
		fmt.Fprintln(os.Stderr, "hachi:", err)
		return 1
	}
}

// explain lists the faults of a configuration, a line each. A fault of a field
// names the flag that sets the field.
func explain(cmd *cobra.Command, err error) []string {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []string
		for _, e := range many.Unwrap() {
			out = append(out, explain(cmd, e)...)
		}
		return out
	}
	switch e := err.(type) {
	case *role.ConfigError:
		return explain(cmd, e.Err)
	case *role.FieldError:
		if f := flagOf(cmd, e.Field); f != nil {
			return []string{fmt.Sprintf("%s (--%s): %v", e.Field, f.Name, e.Err)}
		}
	}
	return []string{err.Error()}
}
