package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
)

// newRoot builds the command tree. Every flag may also be given as an
// environment variable HACHI_<FLAG>, dashes as underscores; the flag wins.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "hachi",
		Short: "hachi serves mixture-of-experts models from a cluster of ordinary machines",
		Long: `hachi serves mixture-of-experts models from a cluster of ordinary machines.

Begin with two terminals:
  hachi up      starts a whole cluster on this machine, with a small model
  hachi chat    talks to it; a browser does too, at http://127.0.0.1:8080`,
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return fromEnvironment(cmd.Flags())
		},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagFault)
	root.AddCommand(
		newUp(), newCoordinator(), newExpertNode(), newRouter(), newConfig(),
		newStatus(), newDrain(), newChat(), newModel(), newBench(), newKeys(), newVersion(), newEtcd(),
	)
	addStandardCommands(root)
	return root
}

// addStandardCommands adds the commands of cobra, which then refuse an unknown name as
// the others do.
func addStandardCommands(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Short, c.Run, c.RunE = "show the help of a command", nil, showHelp
		case "completion":
			c.Short, c.Args = "write the completion script of a shell", knownCommand
			c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}

// showHelp shows the help of the command that is named.
func showHelp(cmd *cobra.Command, names []string) error {
	named, rest, err := cmd.Root().Find(names)
	if err != nil {
		return err
	}
	if err := knownCommand(named, rest); err != nil {
		return err
	}
	return named.Help()
}

// group is a command that only holds others. An unknown name is an error.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(commands...)
	return cmd
}

func newLogger(level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, &role.ConfigError{Err: &role.FieldError{Field: "logLevel", Err: fmt.Errorf("%q: want debug, info, warn or error", level)}}
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l})), nil
}

// fromEnvironment sets every flag that was not given on the command line from
// its environment variable. The variables of a child of `hachi up` were meant
// for up, which hands each child its whole configuration.
func fromEnvironment(flags *pflag.FlagSet) error {
	if os.Getenv(local.ParentEnv) != "" {
		return nil
	}
	var faults []error
	flags.VisitAll(func(f *pflag.Flag) {
		name := "HACHI_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := os.LookupEnv(name)
		if f.Changed || !ok {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			faults = append(faults, fmt.Errorf("%s=%q: %w", name, value, err))
		}
	})
	if len(faults) > 0 {
		return &role.ConfigError{Err: errors.Join(faults...)}
	}
	return nil
}
