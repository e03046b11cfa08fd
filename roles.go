package hachi

import (
	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/role"
)

// loopback is a free port for programs on this machine.
const loopback = "127.0.0.1:0"

// member is what every role of the cluster shares.
func (c *Cluster) member(id string) role.ClusterConfig {
	return role.ClusterConfig{
		Cluster: clusterName, ID: id, TTL: c.cfg.LeaseTTL, Logger: c.cfg.Logger,
		InProcess: &role.InProcess{Store: c.store, Network: c.network},
	}
}

func (c *Cluster) model(threads int) role.ModelConfig {
	s := c.cfg.Source
	return role.ModelConfig{
		Dir: c.cfg.Model, Backend: "cpu", Backends: []backend.Backend{cpu.Backend()}, Threads: threads, Quantize: c.cfg.Quantize,
		Source: role.SourceConfig{
			WeightsCache: s.Cache, WeightsCacheSize: role.Size(s.CacheBytes), Credentials: s.Credentials, S3Endpoint: s.S3Endpoint, RedirectHosts: s.RedirectHosts,
		},
	}
}

func (c *Cluster) placement() role.PlacementConfig {
	return role.PlacementConfig{Policy: string(c.cfg.Policy), Replicas: c.cfg.Replicas}
}

func (c *Cluster) serving() role.ServingConfig {
	return role.ServingConfig{
		APIConfig:     role.APIConfig{ModelName: c.cfg.ModelName, RequestDeadline: c.cfg.RequestDeadline},
		KVCacheMemory: role.Size(c.cfg.KVCacheBytes), MaxSequences: c.cfg.MaxSequences, MaxQueued: c.cfg.MaxQueue,
		PrefixCache: c.cfg.PrefixCache, SpeculativeTokens: c.cfg.SpeculativeTokens,
	}
}

func (c *Cluster) coordinatorConfig() role.CoordinatorConfig {
	return role.CoordinatorConfig{
		ClusterConfig: c.member("coordinator-0"), Listen: loopback, ExpectNodes: c.cfg.Nodes,
		Placement: c.placement(),
	}
}

func (c *Cluster) nodeConfig(id string) role.ExpertNodeConfig {
	threads, _ := c.cfg.threads()
	return role.ExpertNodeConfig{ClusterConfig: c.member(id), ModelConfig: c.model(threads)}
}

func (c *Cluster) routerConfig() role.RouterConfig {
	_, threads := c.cfg.threads()
	return role.RouterConfig{
		ClusterConfig: c.member("router-0"), ModelConfig: c.model(threads), Listen: c.cfg.Listen, GRPC: loopback,
		Serving: c.serving(),
	}
}
