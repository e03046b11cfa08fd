package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/status"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func newDrain() *cobra.Command {
	var where finder
	var addr string
	var undo, wait bool
	cmd := &cobra.Command{
		Use:   "drain NODE",
		Short: "move a node's experts elsewhere so that it can be stopped",
		Long: `drain asks the coordinator to give a node's experts to others. They are loaded
there first; the node serves until the placement names it no more. The request
ends with the node's process: one that starts again serves again.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, node, out := cmd.Context(), args[0], cmd.OutOrStdout()
			if addr == "" {
				view, err := where.view(ctx)
				if err != nil {
					return err
				}
				if addr, err = view.Leader(); err != nil {
					return err
				}
			}
			err := status.Ask(ctx, addr, func(ctx context.Context, c hachiv1.CoordinatorServiceClient) error {
				_, err := c.DrainNode(ctx, &hachiv1.DrainNodeRequest{NodeId: node, Undo: undo})
				return err
			})
			switch {
			case err != nil:
				return fmt.Errorf("drain %s: %w", node, err)
			case undo:
				fmt.Fprintf(out, "%s may serve again\n", node)
			case wait:
				if err := emptied(ctx, addr, node); err != nil {
					return err
				}
				fmt.Fprintf(out, "%s holds nothing and can be stopped\n", node)
			default:
				fmt.Fprintf(out, "%s is draining; hachi status shows when it holds nothing\n", node)
			}
			return nil
		},
	}
	where.flags(cmd.Flags())
	cmd.Flags().StringVar(&addr, "coordinator", "", "service of the leading coordinator, HOST:PORT; found in etcd when empty")
	cmd.Flags().BoolVar(&undo, "undo", false, "take the request back")
	cmd.Flags().BoolVar(&wait, "wait", false, "return when the node holds nothing")
	return cmd
}

// emptied waits until a node holds nothing, or is gone.
func emptied(ctx context.Context, addr, node string) error {
	for {
		var seen *hachiv1.GetStatusResponse
		err := status.Ask(ctx, addr, func(ctx context.Context, c hachiv1.CoordinatorServiceClient) (err error) {
			seen, err = c.GetStatus(ctx, &hachiv1.GetStatusRequest{})
			return err
		})
		if err != nil {
			return err
		}
		busy := false
		for _, n := range seen.GetNodes() {
			busy = busy || (n.GetRecord().GetNodeId() == node && len(n.GetRecord().GetResident().GetRanges()) > 0)
		}
		if !busy {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
