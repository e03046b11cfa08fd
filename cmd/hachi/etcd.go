package main

import (
	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/local"
)

// newEtcd is the etcd of `hachi up`, in a process of its own: a full disk ends
// that process only.
func newEtcd() *cobra.Command {
	var c etcd.Config
	cmd := &cobra.Command{
		Use:    local.EtcdCommand,
		Short:  "the etcd of hachi up",
		Hidden: true,
		Args:   arguments(0),
		RunE:   func(cmd *cobra.Command, _ []string) error { return etcd.Run(cmd.Context(), c) },
	}
	cmd.Flags().StringVar(&c.Dir, "dir", "", "directory of the data")
	cmd.Flags().StringVar(&c.ClientAddr, "listen", "", "listener for clients, HOST:PORT")
	cmd.Flags().StringVar(&c.Certificates, "certificates", "", "directory with ca.crt, tls.crt and tls.key; plaintext when empty")
	return cmd
}
