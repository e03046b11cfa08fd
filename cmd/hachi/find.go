package main

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/status"
)

// defaultURL is the HTTP API of hachi up.
const defaultURL = "http://127.0.0.1:8080"

// finder finds a cluster: by its etcd, or by the data directory of `hachi up`.
type finder struct {
	endpoints []string
	cluster   string
	dataDir   string
}

func (c *finder) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&c.endpoints, "etcd", nil, "etcd endpoints, HOST:PORT,...; those of hachi up when empty")
	f.StringVar(&c.cluster, "cluster", registry.DefaultCluster, "name of the cluster in etcd")
	f.StringVar(&c.dataDir, "data-dir", "", "data directory of hachi up; the one of its default --listen when empty")
}

// view reads the cluster's records.
func (c *finder) view(ctx context.Context) (status.View, error) {
	endpoints, err := findEtcd(c.endpoints, c.dataDir)
	if err != nil {
		return status.View{}, err
	}
	return status.ReadView(ctx, endpoints, c.cluster)
}

// findEtcd falls back to the cluster that up runs on this machine.
func findEtcd(endpoints []string, dataDir string) ([]string, error) {
	if len(endpoints) > 0 {
		return endpoints, nil
	}
	if dataDir == "" {
		var err error
		if dataDir, err = local.DataDir(local.DefaultUp().Listen); err != nil {
			return nil, err
		}
	}
	run, err := local.ReadRunFile(dataDir)
	if err != nil {
		return nil, err
	}
	return run.Etcd, nil
}
