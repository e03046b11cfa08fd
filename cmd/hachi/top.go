package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/printable"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/internal/top"
)

// minTopInterval bounds what one terminal asks of etcd and the leader.
const minTopInterval = 200 * time.Millisecond

func newTop() *cobra.Command {
	var where finder
	var every time.Duration
	cmd := &cobra.Command{
		Use:        "top",
		Short:      "show a cluster on the terminal, again and again",
		SuggestFor: []string{"watch", "monitor", "dashboard"},
		Long: `top shows what hachi status prints, again and again: an overview, a map of the
experts with their load and replicas, the nodes, and the requests: where each is, its
phase, and the stalls that its client felt. The last line names the keys.`,
		Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every < minTopInterval {
				var f role.Faults
				f.Addf("interval", "%v: want at least %v", every, minTopInterval)
				return f.Err()
			}
			found, err := where.find(cmd.Context())
			if err != nil {
				return err
			}
			source := &status.Source{By: found.By, Where: &found}
			defer source.Close()
			return top.Run(cmd.Context(), source.Look, every, cmd.InOrStdin(), printable.Under(cmd.OutOrStdout()))
		},
	}
	where.flags(cmd.Flags())
	cmd.Flags().DurationVar(&every, "interval", time.Second, "time between two readings")
	return cmd
}
