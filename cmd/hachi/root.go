package main

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hachi-serve/hachi/internal/role"
)

// newRoot builds the command tree. Every flag may also be given as an
// environment variable HACHI_<FLAG>, dashes as underscores; the flag wins.
func newRoot() *cobra.Command {
	var logLevel string
	root := &cobra.Command{
		Use:           "hachi",
		Short:         "hachi serves mixture-of-experts models from a cluster of ordinary machines",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return fromEnvironment(cmd.Flags())
		},
	}
	root.PersistentFlags().StringVar(&logLevel, "log-level", "warn", "debug, info, warn or error")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &role.ConfigError{Err: err} })
	logger := func() (*slog.Logger, error) { return newLogger(logLevel) }
	root.AddCommand(
		newUp(logger), newCoordinator(logger), newExpertNode(logger), newRouter(logger),
		newStatus(), newDrain(), newChat(), newModel(), newBench(logger), newVersion(),
	)
	return root
}

// loggerFunc makes the process's logger once the flags are known.
type loggerFunc func() (*slog.Logger, error)

func newLogger(level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, &role.ConfigError{Err: fmt.Errorf("--log-level %q: want debug, info, warn or error", level)}
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l})), nil
}

// fromEnvironment sets every flag that was not given on the command line from
// its environment variable.
func fromEnvironment(flags *pflag.FlagSet) error {
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		name := "HACHI_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := os.LookupEnv(name)
		if f.Changed || !ok || err != nil {
			return
		}
		if setErr := flags.Set(f.Name, value); setErr != nil {
			err = &role.ConfigError{Err: fmt.Errorf("%s=%q: %w", name, value, setErr)}
		}
	})
	return err
}
