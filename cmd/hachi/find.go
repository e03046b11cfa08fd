package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/local"
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
}

func (c *finder) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&c.endpoints, "etcd", nil, "etcd endpoints, HOST:PORT,...; those of hachi up when empty")
	f.StringVar(&c.cluster, "cluster", "", "name of the cluster in etcd; the only one that runs when empty")
	f.StringVar(&c.dataDir, "data-dir", "", "data directory of a hachi up; the only one that runs on this machine when empty")
}

// view reads the cluster's records.
func (c *finder) view(ctx context.Context) (status.View, error) {
	endpoints, cluster, err := c.find(ctx)
	if err != nil {
		return status.View{}, err
	}
	return status.ReadView(ctx, endpoints, cluster)
}

// find returns the etcd endpoints of the cluster, and its name there.
func (c *finder) find(ctx context.Context) (endpoints []string, cluster string, err error) {
	switch {
	case len(c.endpoints) > 0:
		cluster, err = c.among(ctx, c.endpoints)
		return c.endpoints, cluster, err
	case c.dataDir != "":
		run, err := local.ReadRunFile(c.dataDir)
		if err != nil {
			return nil, "", fmt.Errorf("%w; start one with `hachi up --data-dir %s`, or name another cluster with --data-dir or --etcd", err, c.dataDir)
		}
		return run.Etcd, run.Cluster, nil
	}
	run, err := theOnly("--data-dir", func(r local.RunFile) bool { return c.cluster == "" || r.Cluster == c.cluster }, func(r local.RunFile) string { return r.DataDir })
	if errors.Is(err, errNoneRuns) {
		err = fmt.Errorf("%w; start one with `hachi up`, or name a cluster elsewhere with --etcd HOST:PORT", err)
	}
	return run.Etcd, run.Cluster, err
}

// among is the name of the cluster in an etcd: the given one, or the only one that
// runs.
func (c *finder) among(ctx context.Context, endpoints []string) (string, error) {
	if c.cluster != "" {
		return c.cluster, nil
	}
	names, err := status.Clusters(ctx, endpoints)
	switch {
	case err != nil:
		return "", err
	case len(names) == 1:
		return names[0], nil
	case len(names) == 0:
		return registry.DefaultCluster, nil // whose placement may be left
	}
	return "", fmt.Errorf("several clusters run in the etcd at %s: say which with --cluster\n  --cluster %s",
		strings.Join(endpoints, ","), strings.Join(names, "\n  --cluster "))
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
