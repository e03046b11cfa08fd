package main

import (
	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/role"
)

func newCoordinator() *cobra.Command {
	c := role.DefaultCoordinator()
	cmd := &cobra.Command{
		Use:   "coordinator",
		Short: "plan and publish which node serves which expert",
		Args:  arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := configure(cmd, &c, func() error { return c.Validate() }); err != nil {
				return err
			}
			if c.Logger, err = newLogger(c.LogLevel); err != nil {
				return err
			}
			return unlessStopped(cmd.Context(), role.RunCoordinator(cmd.Context(), c))
		},
	}
	coordinatorFlags(cmd, &c)
	return cmd
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
	cmd := &cobra.Command{
		Use:   "expertnode",
		Short: "hold a shard of experts and compute them",
		Args:  arguments(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return runExpertNode(cmd, &c) },
	}
	expertNodeFlags(cmd, &c)
	return cmd
}

func runExpertNode(cmd *cobra.Command, c *role.ExpertNodeConfig) (err error) {
	if err := configure(cmd, c, func() error { return c.Validate() }); err != nil {
		return err
	}
	if c.Logger, err = newLogger(c.LogLevel); err != nil {
		return err
	}
	return unlessStopped(cmd.Context(), role.RunExpertNode(cmd.Context(), *c))
}

func expertNodeFlags(cmd *cobra.Command, c *role.ExpertNodeConfig) {
	f := configFlags{cmd.Flags()}
	configFileFlag(cmd.Flags())
	logLevelFlag(f, &c.LogLevel)
	clusterFlags(f, &c.ClusterConfig)
	securityFlags(f, &c.Security.SecurityConfig)
	adminFlags(f, &c.Security.AdminConfig)
	modelFlags(f, &c.ModelConfig)
	f.text("listen", "listen", &c.Listen, "gRPC listener of the expert service, HOST:PORT")
	f.text("advertise", "advertise", &c.Advertise, "address that routers dial; the listener's own when empty")
	f.duration("busy-poll", "busyPoll", &c.BusyPoll, busyPollUsage)
	f.text("zone", "zone", &c.Zone, "what fails together with this node, for example its rack; balanced placement puts replicas into different zones")
	f.size("capacity", "capacity", &c.Capacity, "maximum memory for expert weights, for example 40Gi; 0 is no limit")
}

func newRouter() *cobra.Command {
	c := role.DefaultRouter()
	cmd := &cobra.Command{
		Use:   "router",
		Short: "serve requests: attention, gate, sampling and the HTTP and gRPC APIs",
		Args:  arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := configure(cmd, &c, func() error { return c.Validate() }); err != nil {
				return err
			}
			if c.Logger, err = newLogger(c.LogLevel); err != nil {
				return err
			}
			return unlessStopped(cmd.Context(), role.RunRouter(cmd.Context(), c))
		},
	}
	routerFlags(cmd, &c)
	return cmd
}

func routerFlags(cmd *cobra.Command, c *role.RouterConfig) {
	f := configFlags{cmd.Flags()}
	configFileFlag(cmd.Flags())
	logLevelFlag(f, &c.LogLevel)
	clusterFlags(f, &c.ClusterConfig)
	securityFlags(f, &c.Security.SecurityConfig)
	accessFlags(f, &c.Security.AccessConfig)
	modelFlags(f, &c.ModelConfig)
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
