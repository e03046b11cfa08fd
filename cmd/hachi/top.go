package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/client"
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
experts with their load and replicas, the nodes, and where requests are. The last
line names the keys.`,
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
			read := func(ctx context.Context) (client.Status, error) {
				view, err := status.ReadView(ctx, found)
				if err != nil {
					return client.Status{}, err
				}
				seen, why := view.AskStatus(ctx)
				return status.Describe(view, seen, why), nil
			}
			return top.Run(cmd.Context(), read, every, cmd.InOrStdin(), printable.Under(cmd.OutOrStdout()))
		},
	}
	where.flags(cmd.Flags())
	cmd.Flags().DurationVar(&every, "interval", time.Second, "time between two readings")
	return cmd
}
