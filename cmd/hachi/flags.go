package main

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hachi-serve/hachi/internal/role"
)

// configFlags declares flags that set fields of a configuration. A flag's
// default is the value that the field has at its declaration, and a flag knows
// the path of its field in the configuration file.
type configFlags struct{ *pflag.FlagSet }

// fieldAnnotation is the annotation of a flag with the path of its field.
const fieldAnnotation = "hachi_field"

func (f configFlags) at(flag, field string) {
	if err := f.SetAnnotation(flag, fieldAnnotation, []string{field}); err != nil {
		panic(err) // the flag was declared in the line before
	}
}

func (f configFlags) text(flag, field string, to *string, usage string) {
	f.StringVar(to, flag, *to, usage)
	f.at(flag, field)
}

func (f configFlags) list(flag, field string, to *[]string, usage string) {
	f.StringSliceVar(to, flag, *to, usage)
	f.at(flag, field)
}

func (f configFlags) integer(flag, field string, to *int, usage string) {
	f.IntVar(to, flag, *to, usage)
	f.at(flag, field)
}

func (f configFlags) number(flag, field string, to *float64, usage string) {
	f.Float64Var(to, flag, *to, usage)
	f.at(flag, field)
}

func (f configFlags) boolean(flag, field string, to *bool, usage string) {
	f.BoolVar(to, flag, *to, usage)
	f.at(flag, field)
}

func (f configFlags) duration(flag, field string, to *time.Duration, usage string) {
	f.DurationVar(to, flag, *to, usage)
	f.at(flag, field)
}

func (f configFlags) size(flag, field string, to *role.Size, usage string) {
	f.Var(to, flag, usage)
	f.at(flag, field)
}

// inverse declares a flag that is true when the field is false.
func (f configFlags) inverse(flag, field string, to *bool, usage string) {
	f.VarPF((*inverse)(to), flag, "", usage).NoOptDefVal = "true"
	f.at(flag, field)
}

// inverse is a boolean flag of a negated field.
type inverse bool

func (v *inverse) String() string   { return strconv.FormatBool(!bool(*v)) }
func (v *inverse) Type() string     { return "bool" }
func (v *inverse) IsBoolFlag() bool { return true }

// Set implements pflag.Value.
func (v *inverse) Set(text string) error {
	on, err := strconv.ParseBool(text)
	*v = inverse(!on)
	return err
}

// fieldOf is the path of the field that a flag sets; "" if it sets none.
func fieldOf(f *pflag.Flag) string {
	if paths := f.Annotations[fieldAnnotation]; len(paths) == 1 {
		return paths[0]
	}
	return ""
}

// flagOf is the flag of a command that sets a field; nil if there is none.
func flagOf(cmd *cobra.Command, field string) (found *pflag.Flag) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if fieldOf(f) == field {
			found = f
		}
	})
	return found
}

// configFileFlag declares --config.
func configFileFlag(f *pflag.FlagSet) {
	f.String("config", "", "YAML `file` with the fields that hachi config prints; flags and environment variables override them")
}
