package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
)

// runCommand runs a command line. A command that reads a configuration reports the
// faults of its flags together with all others.
func runCommand(ctx context.Context, root *cobra.Command, args []string) (*cobra.Command, error) {
	args, faults := withoutFaults(args)
	root.SetArgs(args)
	return root.ExecuteContextC(context.WithValue(ctx, faultsKey{}, faults))
}

// faultsKey is the key of the faults of a command line in a context.
type faultsKey struct{}

// withoutFaults removes from a command line the flags that are wrong.
func withoutFaults(args []string) (kept []string, faults error) {
	kept = args
	for range args {
		cmd, rest, err := newRoot().Find(kept)
		if err != nil || !readsConfig(cmd) {
			return kept, faults // the command reports them
		}
		cmd.InitDefaultHelpFlag()
		fault := cmd.ParseFlags(rest)
		at, length := wrongFlag(kept, fault)
		if length == 0 {
			return kept, faults
		}
		faults = errors.Join(faults, flagFault(cmd, fault))
		kept = append(kept[:at:at], kept[at+length:]...)
	}
	return kept, faults
}

// wrongFlag finds the arguments of which the parser of flags complains, the
// value of the flag included.
func wrongFlag(args []string, fault error) (at, length int) {
	var absent *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var bare *pflag.ValueRequiredError
	var written, value string
	switch {
	case errors.As(fault, &absent) && absent.GetSpecifiedShortnames() != "":
		written = "-" + absent.GetSpecifiedShortnames()
	case errors.As(fault, &absent):
		written = "--" + absent.GetSpecifiedName()
	case errors.As(fault, &invalid):
		written, value = "--"+invalid.GetFlag().Name, invalid.GetValue()
	case errors.As(fault, &bare) && len(args) > 0:
		return len(args) - 1, 1
	default:
		return 0, 0
	}
	for i, arg := range args {
		follows := i+1 < len(args) && !strings.HasPrefix(args[i+1], "-")
		switch {
		case arg == written && invalid != nil && i+1 < len(args) && args[i+1] == value, arg == written && absent != nil && follows:
			return i, 2
		case arg == written && absent != nil, arg == written+"="+value && invalid != nil, strings.HasPrefix(arg, written+"=") && absent != nil:
			return i, 1
		}
	}
	return 0, 0
}

// readsConfig reports whether a command reads a configuration.
func readsConfig(cmd *cobra.Command) bool { return cmd.Flags().Lookup("config") != nil }

// configure fills the configuration to which a command's flags are bound: from the
// file of --config, if there is one, and again from the flags, which override the
// file. It finds all faults, also those of check.
func configure(cmd *cobra.Command, into any, check func() error) error {
	given, _ := cmd.Context().Value(faultsKey{}).(error)
	return errors.Join(given, fromEnvironment(cmd), readConfigFile(cmd, into), check())
}

func readConfigFile(cmd *cobra.Command, into any) error {
	path := cmd.Flag("config").Value.String()
	if path == "" {
		return nil
	}
	var again []func() error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values := list.GetSlice()
			again = append(again, func() error { return list.Replace(values) })
			return
		}
		value := f.Value.String()
		again = append(again, func() error { return f.Value.Set(value) })
	})
	faults := role.ReadConfig(path, into)
	for _, set := range again {
		faults = errors.Join(faults, set())
	}
	return faults
}

// fromEnvironment sets every flag that was not given on the command line from
// its environment variable. The variables of a child of `hachi up` were meant
// for up, which hands each child its whole configuration.
func fromEnvironment(cmd *cobra.Command) error {
	if os.Getenv(local.ParentEnv) != "" {
		return nil
	}
	flags := cmd.Flags()
	faults := role.Faults(unknownVariables(cmd.Root()))
	flags.VisitAll(func(f *pflag.Flag) {
		name := variableOf(f.Name)
		value, ok := os.LookupEnv(name)
		if f.Changed || !ok {
			return
		}
		before := f.Value.String()
		if err := flags.Set(f.Name, value); err != nil {
			_ = f.Value.Set(before) // what is refused may have been stored
			faults = append(faults, fmt.Errorf("%s=%q: %w", name, value, wrongValue(err)))
		}
	})
	return faults.Err()
}
