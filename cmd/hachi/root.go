package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/version"
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
		Version:       version.Line(),
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if readsConfig(cmd) {
				return nil // configure does it
			}
			return fromEnvironment(cmd)
		},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagFault)
	root.AddCommand(
		newUp(), newCoordinator(), newExpertNode(), newRouter(), newGateway(), newConfig(),
		newStatus(), newTop(), newDoctor(), newPlan(), newSim(), newCalibrate(), newDrain(), newChat(), newModel(), newBench(), newKeys(), newCerts(), newVersion(), newEtcd(),
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
