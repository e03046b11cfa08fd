package main

import (
	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/status"
)

func newStatus() *cobra.Command {
	var where finder
	var asJSON bool
	cmd := &cobra.Command{
		Use:        "status",
		Short:      "show nodes, placement and load, and what is wrong",
		SuggestFor: []string{"ps", "ls", "list", "nodes", "info"},
		Args:       arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			view, err := where.view(cmd.Context())
			if err != nil {
				return err
			}
			// Without the leader there is less to tell, but not nothing.
			seen, err := view.AskStatus(cmd.Context())
			report := status.Describe(view, seen, err)
			if asJSON {
				return printJSON(cmd.OutOrStdout(), report)
			}
			status.Print(cmd.OutOrStdout(), report)
			return nil
		},
	}
	where.flags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
