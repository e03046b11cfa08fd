package main

import (
	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/role"
)

func newGateway() *cobra.Command {
	c := role.DefaultGateway()
	cmd := &cobra.Command{
		Use:   "gateway",
		Short: "serve the HTTP and gRPC APIs in front of several routers",
		Long: `gateway serves the HTTP and gRPC APIs in front of several routers. It needs the
tokenizer and the chat template of the model, and no weights. When a router dies,
stops or is silent, its answers go on at another router, with the same tokens.
It keeps nothing but what runs: start any number of gateways.`,
	}
	gatewayFlags(cmd, &c)
	return runsRole(cmd, &c, &c.LogLevel, &c.Logger, role.RunGateway)
}

func gatewayFlags(cmd *cobra.Command, c *role.GatewayConfig) {
	f := configFlags{cmd.Flags()}
	configFileFlag(cmd.Flags())
	logLevelFlag(f, &c.LogLevel)
	tracingFlags(f, &c.Tracing)
	clusterFlags(f, &c.ClusterConfig)
	securityFlags(f, &c.Security.SecurityConfig)
	accessFlags(f, &c.Security.AccessConfig)
	f.text("model", "model.dir", &c.Model.Dir, "checkpoint directory, whose weights are not read and may be missing, or the URL of a model")
	sourceFlags(f, &c.Model.Source)
	apiFlags(f, &c.Serving.APIConfig)
	f.integer("max-requests", "serving.maxRequests", &c.Serving.MaxRequests, "maximum answers at once; further requests get HTTP 429")
	routerTimeoutFlag(f, "serving.routerTimeout", &c.Serving.RouterTimeout)
	listenFlags(f, &c.Listen, &c.GRPC, &c.Advertise, &c.AdvertiseGRPC)
}
