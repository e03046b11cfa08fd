package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/version"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the release, the commit and the Go version of this binary",
		Long: `version prints one line: release, commit and Go version. Processes of a cluster
that print the same line run the same code.`,
		Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version.Line())
			return err
		},
	}
}
