package main

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/role"
)

// runsRole completes the command of a role, whose configuration is c and whose log is
// made for *level. run is called with the configuration that flags, environment and
// file give.
func runsRole[C interface{ Validate() error }](cmd *cobra.Command, c *C, level *string, log **slog.Logger, run func(context.Context, C) error) *cobra.Command {
	cmd.Args = arguments(0)
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if err := configure(cmd, c, func() error { return (*c).Validate() }); err != nil {
			return err
		}
		if *log, err = newLogger(*level); err != nil {
			return err
		}
		return unlessStopped(cmd.Context(), run(cmd.Context(), *c))
	}
	return cmd
}

func newCoordinator() *cobra.Command {
	c := role.DefaultCoordinator()
	cmd := &cobra.Command{Use: "coordinator", Short: "plan and publish which node serves which expert"}
	coordinatorFlags(cmd, &c)
	return runsRole(cmd, &c, &c.LogLevel, &c.Logger, role.RunCoordinator)
}

func coordinatorFlags(cmd *cobra.Command, c *role.CoordinatorConfig) {
	f := configFlags{cmd.Flags()}
	configFileFlag(cmd.Flags())
	logLevelFlag(f, &c.LogLevel)
	clusterFlags(f, &c.ClusterConfig)
	securityFlags(f, &c.Security.SecurityConfig)
	adminFlags(f, &c.Security.AdminConfig)
	f.text("listen", "listen", &c.Listen, "gRPC listener of the coordinator service, HOST:PORT")
	f.text("advertise", "advertise", &c.Advertise, "address that others dial; the listener's own when empty")
	placementFlags(f, &c.Placement)
	f.integer("expect-nodes", "expectNodes", &c.ExpectNodes, "expert nodes to wait for before the first placement")
}

func newExpertNode() *cobra.Command {
	c := role.DefaultExpertNode()
	cmd := &cobra.Command{Use: "expertnode", Short: "hold a shard of experts and compute them"}
	expertNodeFlags(cmd, &c)
	return runsRole(cmd, &c, &c.LogLevel, &c.Logger, func(ctx context.Context, c role.ExpertNodeConfig) error {
		keepConnectionsMoving(&c.ModelConfig)
		return role.RunExpertNode(ctx, c)
	})
}

func expertNodeFlags(cmd *cobra.Command, c *role.ExpertNodeConfig) {
	f := configFlags{cmd.Flags()}
	configFileFlag(cmd.Flags())
	logLevelFlag(f, &c.LogLevel)
	clusterFlags(f, &c.ClusterConfig)
	securityFlags(f, &c.Security.SecurityConfig)
	adminFlags(f, &c.Security.AdminConfig)
	modelFlags(f, &c.ModelConfig)
	tracingFlags(f, &c.Tracing)
	f.text("listen", "listen", &c.Listen, "gRPC listener of the expert service, HOST:PORT")
	f.text("advertise", "advertise", &c.Advertise, "address that routers dial; the listener's own when empty")
	f.duration("busy-poll", "busyPoll", &c.BusyPoll, busyPollUsage)
	f.text("zone", "zone", &c.Zone, "what fails together with this node, for example its rack; balanced placement puts replicas into different zones")
	f.text("state-dir", "stateDir", &c.StateDir, "directory in which this node remembers its experts, to load them again after a restart while etcd is away; it forgets when empty")
	f.size("capacity", "capacity", &c.Capacity, "maximum memory for expert weights, for example 40Gi; 0 is no limit")
	f.size("weights-bandwidth", "weightsBandwidth", &c.WeightsBandwidth, "maximum of weights per second that other nodes fetch from this one, which calls of experts precede; 0 is no limit")
}

func newRouter() *cobra.Command {
	c := role.DefaultRouter()
	cmd := &cobra.Command{Use: "router", Short: "serve requests: attention, gate, sampling and the HTTP and gRPC APIs"}
	routerFlags(cmd, &c)
	return runsRole(cmd, &c, &c.LogLevel, &c.Logger, func(ctx context.Context, c role.RouterConfig) error {
		keepConnectionsMoving(&c.ModelConfig)
		return role.RunRouter(ctx, c)
	})
}

func routerFlags(cmd *cobra.Command, c *role.RouterConfig) {
	f := configFlags{cmd.Flags()}
	configFileFlag(cmd.Flags())
	logLevelFlag(f, &c.LogLevel)
	clusterFlags(f, &c.ClusterConfig)
	securityFlags(f, &c.Security.SecurityConfig)
	accessFlags(f, &c.Security.AccessConfig)
	modelFlags(f, &c.ModelConfig)
	tracingFlags(f, &c.Tracing)
	servingFlags(f, &c.Serving)
	f.duration("busy-poll", "busyPoll", &c.BusyPoll, busyPollUsage)
	listenFlags(f, &c.Listen, &c.GRPC, &c.Advertise, &c.AdvertiseGRPC)
}

// listenFlags are the listeners of a process that clients call.
func listenFlags(f configFlags, listen, grpc, advertise, advertiseGRPC *string) {
	f.text("listen", "listen", listen, "HTTP listener, HOST:PORT")
	f.text("grpc", "grpc", grpc, "gRPC listener of the inference service, HOST:PORT")
	f.text("advertise", "advertise", advertise, "HTTP address that clients dial; the listener's own when empty")
	f.text("advertise-grpc", "advertiseGRPC", advertiseGRPC, "gRPC address that clients dial; the listener's own when empty")
}
