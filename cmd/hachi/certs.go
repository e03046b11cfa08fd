package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/role"
)

const day = 24 * time.Hour

func newCerts() *cobra.Command {
	cmd := group("certs", "make the certificates of a cluster", newCertsInit(), newCertsIssue(), newCertsRenew(), newCertsShow(), newCertsSecrets(), newCertsEtcd())
	cmd.Long = `certs keeps the private authority of a cluster in a directory, and the
certificates that it issued in ROLE/NAME below it. Hand such a directory to the
process of that role and name, which reads it with --certificates. The key of the
authority, ca.key, is for this command only: keep it away from the cluster.
hachi up makes certificates by itself.`
	return cmd
}

func certsDir(cmd *cobra.Command, to *identity.Directory) {
	cmd.Flags().StringVar((*string)(to), "dir", "certs", "directory of the authority and of its certificates")
}

func newCertsInit() *cobra.Command {
	var dir identity.Directory
	var cluster string
	var life time.Duration
	var rotate bool
	cmd := &cobra.Command{
		Use: "init", Short: "make the authority of a cluster, or a new one beside it", Args: arguments(0),
		Long: `init makes an authority and a key of the gossip. With --rotate it makes a new
authority beside the one before: hand the new ca.crt to every process, then renew
every certificate, then end the trust in the old authority with
hachi certs renew --forget.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if rotate {
				if err := dir.Rotate(life); err != nil {
					return permanent(err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s has a new authority; the one before is trusted until hachi certs renew --forget\n", dir)
				return nil
			}
			if err := dir.Init(cluster, life); err != nil {
				return permanent(err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s has an authority of cluster %s; next: hachi certs issue --dir %s ROLE NAME\n", dir, cluster, quote(string(dir)))
			return nil
		},
	}
	certsDir(cmd, &dir)
	cmd.Flags().StringVar(&cluster, "cluster", registry.DefaultCluster, "name of the cluster")
	cmd.Flags().DurationVar(&life, "life", identity.AuthorityLife, "how long the authority is valid")
	cmd.Flags().BoolVar(&rotate, "rotate", false, "make a new authority beside the one before")
	return cmd
}

func newCertsIssue() *cobra.Command {
	var dir identity.Directory
	var hosts []string
	var life time.Duration
	cmd := &cobra.Command{
		Use: "issue ROLE NAME...", Short: "issue the certificates of processes", Args: cobra.MinimumNArgs(2),
		Long: `issue makes a key and a certificate for each name. ROLE is router, expert,
coordinator, gateway, operator or etcd; NAME is the --id of the process. Processes
need no host names, because the others know them by role and name; etcd does, and
so does a router whose clients call its gRPC API by a host name.`,
		Example: "  hachi certs issue expert expert-0 expert-1 expert-2\n  hachi certs issue etcd etcd-0 --host etcd-0.etcd --host 10.0.0.1",
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range args[1:] {
				made, err := dir.Issue(identity.Role(args[0]), name, hosts, life)
				if err != nil {
					return permanent(err)
				}
				fmt.Fprintln(cmd.OutOrStdout(), made)
			}
			return nil
		},
	}
	certsDir(cmd, &dir)
	cmd.Flags().StringArrayVar(&hosts, "host", nil, "host name or address of the process; may be repeated")
	cmd.Flags().DurationVar(&life, "life", identity.CertificateLife, "how long the certificate is valid")
	return cmd
}

func newCertsRenew() *cobra.Command {
	var dir identity.Directory
	var within time.Duration
	var all, forget bool
	cmd := &cobra.Command{
		Use: "renew", Short: "issue again the certificates that end soon", Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if forget {
				return permanent(dir.Forget())
			}
			if all {
				within = identity.AuthorityLife
			}
			renewed, err := dir.Renew(within)
			printCertificates(cmd.OutOrStdout(), renewed)
			return permanent(err)
		},
	}
	certsDir(cmd, &dir)
	cmd.Flags().DurationVar(&within, "within", identity.CertificateLife/3, "renew the certificates that end within this time")
	cmd.Flags().BoolVar(&all, "all", false, "renew every certificate")
	cmd.Flags().BoolVar(&forget, "forget", false, "renew none, and end the trust in every authority but the newest")
	cmd.MarkFlagsMutuallyExclusive("within", "all", "forget")
	return cmd
}

func newCertsShow() *cobra.Command {
	var dir identity.Directory
	cmd := &cobra.Command{
		Use: "show", Short: "list the certificates, and when they end", Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := dir.List()
			if err != nil {
				return permanent(err)
			}
			printCertificates(cmd.OutOrStdout(), all)
			return nil
		},
	}
	certsDir(cmd, &dir)
	return cmd
}

func newCertsEtcd() *cobra.Command {
	var where finder
	cmd := &cobra.Command{
		Use: "etcd", Short: "let each role write its own records in etcd only", Args: arguments(0),
		Long: `etcd makes a user of etcd for each role, which is the common name of its
certificates, lets it read the records of the cluster and write its own, and turns
authentication on. It needs an operator's certificate, and an etcd that asks for
certificates (--client-cert-auth).`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := where.find(cmd.Context())
			if err != nil {
				return err
			}
			store, err := found.Store(nil)
			if err != nil {
				return err
			}
			defer store.Close()
			ctx, cancel := context.WithTimeout(cmd.Context(), etcdWithin)
			defer cancel()
			return store.Restrict(ctx, found.Cluster)
		},
	}
	where.flags(cmd.Flags())
	return cmd
}

// etcdWithin bounds the setup of users: a healthy etcd answers in milliseconds.
const etcdWithin = 30 * time.Second

func printCertificates(out io.Writer, all []identity.Issued) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "IDENTITY\tHOSTS\tUNTIL\tDAYS\tDIRECTORY")
	for _, c := range all {
		fmt.Fprintf(table, "%v\t%s\t%s\t%d\t%s\n", c.ID, strings.Join(c.Hosts, ","), c.Until.UTC().Format(time.DateOnly), int(time.Until(c.Until)/day), c.Dir)
	}
	table.Flush()
}

// permanent is a fault that a restart would find again.
func permanent(err error) error {
	if err == nil || errors.As(err, new(*role.ConfigError)) {
		return err
	}
	return &role.ConfigError{Err: err}
}
