package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release and commit are set by the linker (-X main.release=v0.1.0) where the
// build sees no repository, as that of the image.
var release, commit string

// version names the build. Two binaries with one version line hold the same
// code: compare the lines when fingerprints differ.
func version() string {
	r, c := release, commit
	if info, ok := debug.ReadBuildInfo(); ok {
		r = cmp.Or(r, info.Main.Version)
		c = cmp.Or(c, revision(info))
	}
	return "hachi " + cmp.Or(r, "(unreleased)") + " commit " + cmp.Or(c, "unknown") + " " + runtime.Version()
}

// revision is the commit of a build from a repository, with -dirty after it
// when the work tree had changes.
func revision(info *debug.BuildInfo) string {
	var rev, dirty string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if rev == "" {
		return ""
	}
	return rev + dirty
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the release, the commit and the Go version of this binary",
		Long: `version prints one line: release, commit and Go version. Processes of a cluster
that print the same line run the same code.`,
		Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version())
			return err
		},
	}
}
