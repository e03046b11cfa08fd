package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/printable"
	"github.com/hachi-serve/hachi/internal/role"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is main without the exit, so that tests can be the program.
func run(args []string) int {
	ctx, stop := untilSignal()
	defer stop()
	root := newRoot()
	root.SetOut(printable.Writer(os.Stdout))
	root.SetErr(printable.Writer(os.Stderr))
	if err := local.WatchParent(func() { os.Exit(1) }); err != nil {
		fmt.Fprintln(root.ErrOrStderr(), "hachi:", err)
		return local.ExitConfigError
	}
	cmd, err := runCommand(ctx, root, args)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitSignal + int(context.Cause(ctx).(*signalError).signal)
	case errors.As(err, new(*role.ConfigError)):
		for _, line := range explain(cmd, err) {
			complain(root.ErrOrStderr(), line)
		}
		return local.ExitConfigError
	default:
		complain(root.ErrOrStderr(), err.Error())
		return 1
	}
}

// complain prints one fault. Other lines of it, which a peer may have written, do not
// look like faults of hachi.
func complain(out io.Writer, fault string) {
	fmt.Fprintln(out, "hachi:", printable.Indent(fault))
}

// exitSignal and the number of a signal are the exit status of a command that the
// signal ended, as shells have it. A server that a signal stops has done its work.
const exitSignal = 128

// signalError is the cause of the end of a command's context.
type signalError struct{ signal syscall.Signal }

func (e *signalError) Error() string { return "ended by the signal " + e.signal.String() }

// Is makes the cause an end of the context: net/http returns causes.
func (e *signalError) Is(target error) bool { return target == context.Canceled }

// untilSignal is a context that ends when the process is asked to end.
func untilSignal() (ctx context.Context, stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		select {
		case s := <-signals:
			cancel(&signalError{s.(syscall.Signal)})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

// unlessStopped is the error of a server; none if it ends because it is stopped. What
// a server that stops cannot tell the others, they find out: its lease ends.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.As(err, new(*role.ConfigError)) {
		return nil
	}
	return err
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
	var unknown *role.UnknownFieldError
	if errors.As(err, &unknown) {
		if like := nearestField(unknown.Field, unknown.Known); like != "" {
			return []string{fmt.Sprintf("%v: did you mean %s?", err, like)}
		}
		return []string{fmt.Sprintf("%v: `hachi config` prints the fields", err)}
	}
	return []string{err.Error()}
}
