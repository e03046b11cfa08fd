package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/status"
)

// defaultURL is the HTTP API of hachi up.
const defaultURL = "http://127.0.0.1:8080"

// finder finds a cluster: in an etcd, by the data directory of a `hachi up`, or
// as the only one that runs on this machine.
type finder struct {
	endpoints []string
	cluster   string
	dataDir   string
	// certificates and etcdCertificates are directories of an operator's.
	certificates, etcdCertificates string
}

func (c *finder) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&c.endpoints, "etcd", nil, "etcd endpoints, HOST:PORT,...; those of hachi up when empty")
	f.StringVar(&c.cluster, "cluster", "", "name of the cluster in etcd; the only one that runs when empty")
	f.StringVar(&c.certificates, "certificates", "", "directory with ca.crt, tls.crt and tls.key of an operator; those of hachi up when empty")
	f.StringVar(&c.etcdCertificates, "etcd-certificates", "", etcdCertificatesUsage)
	f.StringVar(&c.dataDir, "data-dir", "", "data directory of a hachi up; the only one that runs on this machine when empty")
}

// view reads the cluster's records.
func (c *finder) view(ctx context.Context) (status.View, error) {
	where, err := c.find(ctx)
	if err != nil {
		return status.View{}, err
	}
	return status.ReadView(ctx, where)
}

// find returns where the cluster is.
func (c *finder) find(ctx context.Context) (where status.Where, err error) {
	switch {
	case len(c.endpoints) > 0:
		where.Etcd = c.endpoints
		if err := c.open(&where); err != nil {
			return where, err
		}
		if where.Cluster, err = c.among(ctx, where); err != nil || where.By != nil {
			return where, err
		}
		return c.onThisMachine(where)
	case c.dataDir != "":
		run, err := local.ReadRunFile(c.dataDir)
		if err != nil {
			return where, fmt.Errorf("%w; start one with `hachi up --data-dir %s`, or name another cluster with --data-dir or --etcd", err, c.dataDir)
		}
		return c.of(run)
	}
	run, err := theOnly("--data-dir", func(r local.RunFile) bool { return c.cluster == "" || r.Cluster == c.cluster }, func(r local.RunFile) string { return r.DataDir })
	if errors.Is(err, errNoneRuns) {
		err = fmt.Errorf("%w; start one with `hachi up`, or name a cluster elsewhere with --etcd HOST:PORT", err)
	}
	if err != nil {
		return where, err
	}
	return c.of(run)
}

// onThisMachine adds the certificates of the `hachi up` that runs the cluster, if
// it is this user's and on this machine.
func (c *finder) onThisMachine(where status.Where) (status.Where, error) {
	all, err := local.Running()
	if err != nil {
		return where, nil //nolint:nilerr // then the cluster is not one of this machine
	}
	for _, run := range all {
		if run.Cluster == where.Cluster && slices.Equal(run.Etcd, where.Etcd) {
			return c.of(run)
		}
	}
	return where, nil
}

// of is where a `hachi up` runs. Flags override the operator's certificates.
func (c *finder) of(run local.RunFile) (status.Where, error) {
	where, err := run.Where()
	if err != nil {
		return where, err
	}
	return where, c.open(&where)
}

// open reads the certificates that flags name.
func (c *finder) open(where *status.Where) (err error) {
	if c.certificates != "" {
		if where.By, err = identity.Open(c.certificates, nil); err != nil {
			return err
		}
		where.EtcdBy = where.By
	}
	switch c.etcdCertificates {
	case "":
	case role.PlaintextEtcd:
		where.EtcdBy = nil
	default:
		where.EtcdBy, err = identity.OpenForeign(c.etcdCertificates, nil)
	}
	return err
}

// among is the name of the cluster in an etcd: the given one, or the only one that
// runs.
func (c *finder) among(ctx context.Context, where status.Where) (string, error) {
	if c.cluster != "" {
		return c.cluster, nil
	}
	names, err := status.Clusters(ctx, where)
	switch {
	case err != nil:
		return "", err
	case len(names) == 1:
		return names[0], nil
	case len(names) == 0:
		return registry.DefaultCluster, nil // whose placement may be left
	}
	return "", fmt.Errorf("several clusters run in the etcd at %s: say which with --cluster\n  --cluster %s",
		strings.Join(where.Etcd, ","), strings.Join(names, "\n  --cluster "))
}

// errNoneRuns means that this user's `hachi up` runs nowhere on this machine.
var errNoneRuns = errors.New("no `hachi up` runs on this machine")

// theOnly is the only cluster on this machine that fits. When several fit, the
// error lists them with the flag that chooses one.
func theOnly(flag string, fits func(local.RunFile) bool, value func(local.RunFile) string) (local.RunFile, error) {
	all, err := local.Running()
	if err != nil {
		return local.RunFile{}, err
	}
	all = slices.DeleteFunc(all, func(r local.RunFile) bool { return !fits(r) })
	switch len(all) {
	case 0:
		return local.RunFile{}, errNoneRuns
	case 1:
		return all[0], nil
	}
	var out strings.Builder
	fmt.Fprintf(&out, "several clusters run on this machine: say which with %s", flag)
	for _, run := range all {
		fmt.Fprintf(&out, "\n  %s %s", flag, quote(value(run)))
		if value(run) != run.URL {
			fmt.Fprintf(&out, "   serves at %s", run.URL)
		}
	}
	return local.RunFile{}, errors.New(out.String())
}

// isOnly reports whether no second cluster runs on this machine, so that commands
// need no flag to find the first.
func isOnly() bool {
	all, err := local.Running()
	return err == nil && len(all) <= 1
}

// quote writes an argument as a shell reads it.
func quote(arg string) string {
	plain := func(r rune) bool {
		return r > 127 || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+=,", r)
	}
	if arg != "" && !strings.ContainsFunc(arg, func(r rune) bool { return !plain(r) }) {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}
