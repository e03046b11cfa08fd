package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/status"
)

func newDrain() *cobra.Command {
	var where finder
	var addr, key string
	var undo, wait bool
	cmd := &cobra.Command{
		Use:   "drain NODE",
		Short: "move a node's experts elsewhere so that it can be stopped",
		Long: `drain asks the coordinator to give a node's experts to others. They are loaded
there first; the node serves until the placement names it no more. The request
ends with the node's process: one that starts again serves again.`,
		Args: arguments(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, node, out := cmd.Context(), args[0], cmd.OutOrStdout()
			c, err := where.coordinator(ctx, addr)
			if err != nil {
				return err
			}
			c.Key = key
			do := c.Drain
			if undo {
				do = c.Undrain
			}
			err = do(ctx, node)
			switch {
			case err != nil:
				return fmt.Errorf("drain %s: %w", node, err)
			case undo:
				fmt.Fprintf(out, "%s may serve again\n", node)
			case wait:
				if err := emptied(ctx, c, node); err != nil {
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
	cmd.Flags().StringVar(&key, "api-key", "", "key of an admin, for a coordinator with --admin-keys and without certificates; better in the environment variable HACHI_API_KEY")
	cmd.Flags().BoolVar(&undo, "undo", false, "take the request back")
	cmd.Flags().BoolVar(&wait, "wait", false, "return when the node holds nothing")
	return cmd
}

// coordinator is a client of the coordinator at an address, or of the leader.
func (c *finder) coordinator(ctx context.Context, addr string) (out client.Client, err error) {
	var where status.Where
	if addr != "" && len(c.endpoints) == 0 && c.dataDir == "" {
		err = c.open(&where)
	} else if where, err = c.find(ctx); err == nil && addr == "" {
		var view status.View
		if view, err = status.ReadView(ctx, where); err == nil {
			addr, err = view.Leader()
		}
	}
	if err != nil {
		return out, err
	}
	out.Coordinator, out.HTTP = status.Web(addr, where.By)
	return out, nil
}

// emptied waits until a node holds nothing, or is gone.
func emptied(ctx context.Context, c client.Client, node string) error {
	for {
		seen, err := c.Status(ctx)
		if err != nil {
			return err
		}
		holds := func(n client.NodeStatus) bool { return n.Node == node && n.Resident > 0 }
		if !slices.ContainsFunc(seen.Nodes, holds) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
