package main

import (
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/role"
)

const defaultListen = "127.0.0.1:8080"

// clusterFlags are the flags every role shares.
func clusterFlags(f *pflag.FlagSet, c *role.ClusterConfig) {
	f.StringSliceVar(&c.Etcd, "etcd", []string{"127.0.0.1:2379"}, "etcd endpoints, HOST:PORT,...")
	f.StringVar(&c.Cluster, "cluster", "hachi", "name of the cluster in etcd")
	f.StringVar(&c.ID, "id", "", "name of this process in the cluster; required")
	f.StringVar(&c.Gossip, "gossip", "127.0.0.1:0", "gossip listener, HOST:PORT")
	f.StringVar(&c.AdvertiseGossip, "advertise-gossip", "", "gossip address others use; the listener's own when empty")
	f.StringVar(&c.GossipLabel, "gossip-label", "", "processes with another label are not heard; the cluster's name when empty")
	f.DurationVar(&c.TTL, "lease-ttl", registry.DefaultTTL, "time without renewal after which etcd drops this process's record")
}

func newCoordinator(logger loggerFunc) *cobra.Command {
	var c role.CoordinatorConfig
	cmd := &cobra.Command{
		Use:   "coordinator",
		Short: "plan and publish which node serves which expert",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if c.Logger, err = logger(); err != nil {
				return err
			}
			return role.RunCoordinator(cmd.Context(), c)
		},
	}
	f := cmd.Flags()
	clusterFlags(f, &c.ClusterConfig)
	f.StringVar(&c.Listen, "listen", "127.0.0.1:7071", "gRPC listener of the coordinator service, HOST:PORT")
	f.StringVar(&c.Advertise, "advertise", "", "address others use; the listener's own when empty")
	placementFlags(f, &c.Placement)
	f.IntVar(&c.ExpectNodes, "expect-nodes", 1, "expert nodes to wait for before the first placement")
	return cmd
}

// placementFlags are shared by up and coordinator.
func placementFlags(f *pflag.FlagSet, p *role.PlacementConfig) {
	f.StringVar(&p.Policy, "placement", "column", "column (expert e on node e mod N) or balanced (by load)")
	f.IntVar(&p.Replicas, "replicas", 1, "copies of each expert; with 1 a node's death pauses the streams until its experts are loaded elsewhere")
}

func newExpertNode(logger loggerFunc) *cobra.Command {
	var c role.ExpertNodeConfig
	cmd := &cobra.Command{
		Use:   "expertnode",
		Short: "hold a shard of experts and compute them",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if c.Logger, err = logger(); err != nil {
				return err
			}
			return role.RunExpertNode(cmd.Context(), c)
		},
	}
	f := cmd.Flags()
	clusterFlags(f, &c.ClusterConfig)
	modelFlags(f, &c.ModelConfig)
	f.StringVar(&c.Listen, "listen", "127.0.0.1:7070", "gRPC listener of the expert service, HOST:PORT")
	f.StringVar(&c.Advertise, "advertise", "", "address routers use; the listener's own when empty")
	spinFlag(f, &c.Spin)
	f.Float64Var(&c.Late.Share, "late-share", 0, "share of the answers that are late, for measurements")
	f.DurationVar(&c.Late.By, "late-by", 0, "by how much they are late")
	_, _ = f.MarkHidden("late-share"), f.MarkHidden("late-by")
	f.Uint64Var(&c.Capacity, "capacity", 0, "most bytes of expert weights to hold; 0 is no limit")
	return cmd
}

func quantizeFlag(f *pflag.FlagSet, to *string) {
	f.StringVar(to, "quantize", "", "format that experts get when they are loaded: "+formatNames()+"; the same for every process of a cluster")
}

// numericsFlags choose the rounding points of a cluster.
func numericsFlags(f *pflag.FlagSet, to *model.Overrides) {
	f.StringVar(&to.KV, "kv", "", "type of keys and values in the cache: f32, bf16 or int8; the checkpoint's when empty; the same for every process of a cluster")
	f.StringVar(&to.Inner, "inner", "", "type to which an expert rounds its inner product: f32 or bf16; f32 when empty; the same for every process of a cluster")
}

func spinFlag(f *pflag.FlagSet, to *time.Duration) {
	f.DurationVar(to, "spin", 0, "how long a stream to the other role polls, and a worker for work, before it waits, for example 200us; only for a process with cores of its own")
}

// modelFlags are shared by the roles that compute.
func modelFlags(f *pflag.FlagSet, m *role.ModelConfig) {
	f.StringVar(&m.Dir, "model", "", "checkpoint directory; required")
	quantizeFlag(f, &m.Quantize)
	numericsFlags(f, &m.Numerics)
	m.Backends = backends()
	f.StringVar(&m.Backend, "backend", m.Backends[0].Name, "what computes; an unknown name lists what this binary has")
	f.IntVar(&m.Threads, "threads", runtime.GOMAXPROCS(0), "cores to compute with")
	f.BoolVar(&m.SpareCore, "spare-core", false, "compute with one core less than --threads, at least one, and leave it to gossip and gRPC")
}

func newRouter(logger loggerFunc) *cobra.Command {
	var c role.RouterConfig
	cmd := &cobra.Command{
		Use:   "router",
		Short: "serve requests: attention, gate, sampling and the HTTP and gRPC APIs",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if c.Logger, err = logger(); err != nil {
				return err
			}
			return role.RunRouter(cmd.Context(), c)
		},
	}
	f := cmd.Flags()
	clusterFlags(f, &c.ClusterConfig)
	modelFlags(f, &c.ModelConfig)
	servingFlags(f, &c.Serving)
	f.StringVar(&c.Listen, "listen", defaultListen, "HTTP listener, HOST:PORT")
	spinFlag(f, &c.Spin)
	f.BoolVar(&c.Patient, "patient", false, "wait for a late answer until the call times out, instead of asking another replica")
	f.StringVar(&c.GRPC, "grpc", "127.0.0.1:8081", "gRPC listener of the inference service, HOST:PORT")
	f.StringVar(&c.Advertise, "advertise", "", "HTTP address clients use; the listener's own when empty")
	f.StringVar(&c.AdvertiseGRPC, "advertise-grpc", "", "gRPC address clients use; the listener's own when empty")
	return cmd
}

// servingFlags are shared by up and router.
func servingFlags(f *pflag.FlagSet, s *role.ServingConfig) {
	f.StringVar(&s.ModelName, "model-name", "", "name clients use; the checkpoint directory's when empty")
	f.Int64Var(&s.KVBytes, "kv-bytes", 1<<30, "memory for the KV cache, bytes")
	f.IntVar(&s.MaxSequences, "max-sequences", 0, "sequences that run at once; 0 derives it from --kv-bytes")
	f.IntVar(&s.Speculate, "speculate", 0, "tokens guessed ahead where an answer repeats its prompt, and verified in one step; never changes the answer")
	f.IntVar(&s.MicroBatches, "micro-batches", 0, "parts of a step that take turns at attention and experts; 0 is as many as measured to pay, up to 4")
	f.IntVar(&s.MaxQueue, "max-queue", 256, "requests that may wait; beyond them the answer is 429")
	f.BoolVar(&s.PrefixCache, "prefix-cache", true, "read what was computed of the same beginning of a prompt")
	f.DurationVar(&s.RequestDeadline, "request-deadline", role.DefaultRequestDeadline, "longest a request may take")
	f.StringArrayVar(&s.Attributes, "attribute", nil, "server default of a SteerLM attribute, NAME=0..4; may be repeated")
}
