package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// otherVariables are the environment variables that no flag has: those of commands that
// read no configuration, of clients, and of tests.
var otherVariables = []string{"API_KEY", "URL", "KERNEL", "EXPECT_KERNEL", "BROWSER", "KILLER"}

// variablePrefix begins every environment variable of hachi.
const variablePrefix = "HACHI_"

// serviceVariable matches what Kubernetes and Docker set for a service called hachi-....
var serviceVariable = regexp.MustCompile(`_SERVICE_(HOST|PORT)(_.*)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$`)

// variableOf is the environment variable of a flag.
func variableOf(flag string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// unknownVariables are the faults of the environment: variables that are nearly those of
// a flag. Others, which may be anybody's, are no faults.
func unknownVariables(root *cobra.Command) (faults []error) {
	known := slices.Clone(otherVariables)
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { known = append(known, strings.TrimPrefix(variableOf(f.Name), variablePrefix)) })
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(root)
	for _, pair := range os.Environ() {
		variable, _, _ := strings.Cut(pair, "=")
		name, ours := strings.CutPrefix(variable, variablePrefix)
		if !ours || slices.Contains(known, name) || serviceVariable.MatchString(variable) {
			continue
		}
		if near := nearest(name, known); near != "" {
			faults = append(faults, fmt.Errorf("the environment variable %s is that of no flag: did you mean %s?", variable, variablePrefix+near))
		}
	}
	return faults
}
