package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func newDrain() *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use:   "drain NODE",
		Short: "move a node's experts elsewhere so that it can be stopped",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				return err
			}
			defer conn.Close()
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Second)
			defer cancel()
			_, err = hachiv1.NewCoordinatorServiceClient(conn).DrainNode(ctx, &hachiv1.DrainNodeRequest{NodeId: args[0]})
			if err != nil {
				return fmt.Errorf("drain %s: %w", args[0], err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is draining; hachi status shows when it holds nothing\n", args[0])
			return nil
		},
	}
	cmd.Flags().StringVar(&addr, "coordinator", "127.0.0.1:7071", "coordinator service, HOST:PORT")
	return cmd
}
