package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write the golden files")

// TestHelpTexts: all help texts are as in testdata/help.golden, which -update
// writes.
func TestHelpTexts(t *testing.T) {
	const golden = "testdata/help.golden"
	var out bytes.Buffer
	walkCommands(newRoot(), func(cmd *cobra.Command) {
		args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		text, _, err := execute(t, args...)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "$ hachi %s\n%s\n", strings.Join(args, " "), machine.ReplaceAllString(text, "$1 (default CORES)"))
	})
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("help differs from %s; read the difference after go test ./cmd/hachi -run TestHelpTexts -update", golden)
	}
}

// machine matches a default that is the number of cores, or memory nodes, of this machine.
var machine = regexp.MustCompile(`(cores to (?:compute|work) with|, else 3) \(default \d+\)`)

func walkCommands(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, c := range cmd.Commands() {
		if !c.Hidden && c.Name() != "help" && c.Name() != "completion" {
			walkCommands(c, visit)
		}
	}
}

// TestHelpNamesTheKindOfAValue: pflag takes a word in back-quotes for the kind
// of a flag's value, so a back-quoted command would be printed as one.
func TestHelpNamesTheKindOfAValue(t *testing.T) {
	walkCommands(newRoot(), func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			kind, _ := pflag.UnquoteUsage(f)
			if strings.ContainsAny(kind, " -") || strings.HasSuffix(kind, "Slice") {
				t.Errorf("%s --%s: kind of value %q", cmd.CommandPath(), f.Name, kind)
			}
			if f.Name == "seed" && f.Value.Type() != "uint64" {
				t.Errorf("%s --seed is %s, want uint64", cmd.CommandPath(), f.Value.Type())
			}
		})
	})
}
