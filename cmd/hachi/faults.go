package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hachi-serve/hachi/internal/role"
)

// habits are flags of other servers and the flags that do the same here.
var habits = map[string]string{
	"port": "listen", "host": "listen", "bind": "listen", "model-path": "model", "served-model-name": "model-name", "num-nodes": "nodes",
	"workers": "nodes", "log": "log-level", "verbose": "log-level", "dir": "data-dir",
}

// flagFault explains a wrong flag: the nearest flag for an unknown one, the kind of
// value for a wrong value.
func flagFault(cmd *cobra.Command, err error) error {
	var absent *pflag.NotExistError
	var wrong *pflag.InvalidValueError
	switch {
	case errors.As(err, &absent):
		err = errors.New(unknownFlag(cmd, absent))
	case errors.As(err, &wrong):
		err = fmt.Errorf("--%s %q: %w", wrong.GetFlag().Name, wrong.GetValue(), wrongValue(err))
	}
	return &role.ConfigError{Err: err}
}

// wrongValue says what the value of a flag should be.
func wrongValue(err error) error {
	var wrong *pflag.InvalidValueError
	if !errors.As(err, &wrong) {
		return err
	}
	if kind := kinds[wrong.GetFlag().Value.Type()]; kind != "" {
		return errors.New("want " + kind)
	}
	return wrong.Unwrap()
}

// kinds describe the values of flags.
var kinds = map[string]string{
	"int": "a whole number", "uint64": "a whole number, 0 or more", "float64": "a number", "bool": "true or false",
	"duration": "a duration such as 500ms, 10s or 5m",
}

func unknownFlag(cmd *cobra.Command, absent *pflag.NotExistError) string {
	// One dash makes each letter of a word a flag.
	written, name := "--"+absent.GetSpecifiedName(), absent.GetSpecifiedName()
	if short := absent.GetSpecifiedShortnames(); short != "" {
		written, name = "-"+short, strings.SplitN(short, "=", 2)[0]
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	like := nearest(name, names)
	if habit := habits[name]; habit != "" && cmd.Flags().Lookup(habit) != nil {
		like = cmp.Or(like, habit)
	}
	if like == "" {
		return fmt.Sprintf("unknown flag %s: `%s --help` lists the flags", written, cmd.CommandPath())
	}
	return fmt.Sprintf("unknown flag %s: did you mean --%s?", written, like)
}

// knownCommand refuses the name of a subcommand that does not exist, and suggests
// the nearest.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	means := map[string]string{} // names by what people may write for them
	for _, c := range cmd.Commands() {
		if !c.IsAvailableCommand() {
			continue
		}
		names = append(names, c.Name())
		for _, other := range c.SuggestFor {
			means[other] = c.Name()
		}
	}
	hint := fmt.Sprintf("`%s --help` lists the commands", cmd.CommandPath())
	if like := cmp.Or(means[args[0]], nearest(args[0], names)); like != "" {
		hint = fmt.Sprintf("did you mean `%s %s`?", cmd.CommandPath(), like)
	}
	return &role.ConfigError{Err: fmt.Errorf("unknown command %q for %q: %s", args[0], cmd.CommandPath(), hint)}
}

// arguments refuses a wrong number of arguments, and shows the right ones.
func arguments(n int) cobra.PositionalArgs { return argumentsBetween(n, n) }

// argumentsBetween wants a number of arguments in a range.
func argumentsBetween(min, max int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < min:
			return &role.ConfigError{Err: fmt.Errorf("an argument is missing: %s", cmd.UseLine())}
		case len(args) > max:
			return &role.ConfigError{Err: fmt.Errorf("unexpected argument %q: %s", args[max], cmd.UseLine())}
		}
		return nil
	}
}
