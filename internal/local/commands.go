package local

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/hachi-serve/hachi/internal/numa"
	"github.com/hachi-serve/hachi/internal/role"
)

// commands writes the configuration of every child and lists the children in
// the order in which they start and, reversed, stop.
func (c *Cluster) commands() ([]command, error) {
	if err := os.MkdirAll(filepath.Join(c.cfg.DataDir, "config"), 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	out := []command{c.roleCommand("coordinator-0", "coordinator")}
	configs := []any{c.coordinatorConfig("coordinator-0")}
	for i := range c.cfg.Nodes {
		name := nodeName(i)
		out = append(out, c.nodeCommand(i))
		configs = append(configs, c.expertNodeConfig(name))
	}
	for i := range c.cfg.Routers {
		name := routerName(i)
		out = append(out, c.roleCommand(name, "router"))
		configs = append(configs, c.routerConfig(name))
	}
	if c.cfg.gateway() {
		out = append(out, c.roleCommand(gatewayName, "gateway"))
		configs = append(configs, c.gatewayConfig(gatewayName))
	}
	for i, cmd := range out {
		if err := role.WriteConfig(c.configFile(cmd.name), configs[i]); err != nil {
			return nil, fmt.Errorf("data directory: %w", err)
		}
	}
	return out, nil
}

// nodeName is the name of an expert node.
func nodeName(i int) string { return "expert-" + strconv.Itoa(i) }

// routerName is the name of a router.
func routerName(i int) string { return "router-" + strconv.Itoa(i) }

const gatewayName = "gateway-0"

func (c *Cluster) configFile(name string) string {
	return filepath.Join(c.cfg.DataDir, "config", name+".yaml")
}

// roleCommand names the child on its command line, so that ps and pkill find it by
// the name that `hachi status` prints.
func (c *Cluster) roleCommand(name, role string) command {
	return c.command(name, role, "--id", name, "--config", c.configFile(name))
}

// nodeCommand starts expert node i on one of the machine's memory nodes, if it has
// several.
func (c *Cluster) nodeCommand(i int) command {
	out := c.roleCommand(nodeName(i), "expertnode")
	if on, several := numa.Deal(c.memory, i); several {
		out.on = &on
	}
	return out
}

func (c *Cluster) command(name string, args ...string) command {
	argv := append([]string{c.cfg.Binary}, args...)
	if c.cfg.Exec != nil {
		argv = c.cfg.Exec(name, argv)
	}
	return command{
		name: name, bin: argv[0], args: argv[1:], env: c.cfg.BinaryEnv,
		log: filepath.Join(c.cfg.DataDir, "logs", name+".log"), life: c.lifeR,
	}
}

func (c *Cluster) coordinatorConfig(name string) role.CoordinatorConfig {
	out := role.DefaultCoordinator()
	out.ClusterConfig, out.Listen, out.LogLevel = c.member(name), c.kept(name), c.cfg.LogLevel
	out.Security.SecurityConfig, out.Security.AdminKeys = c.security(name), c.cfg.Security.AdminKeys // the console drains by them
	out.Placement, out.ExpectNodes = c.cfg.Placement, c.cfg.Nodes
	return out
}

func (c *Cluster) expertNodeConfig(name string) role.ExpertNodeConfig {
	out := role.DefaultExpertNode()
	out.ClusterConfig, out.Listen, out.LogLevel = c.member(name), c.kept(name), c.cfg.LogLevel
	out.Security.SecurityConfig = c.security(name)
	out.Tracing = c.cfg.Tracing
	out.ModelConfig, out.StateDir = c.cfg.Model, filepath.Join(c.cfg.DataDir, "state")
	out.Threads, out.CoreBudget = c.cfg.NodeThreads(), c.cfg.CoreBudget()
	return out
}

func (c *Cluster) routerConfig(name string) role.RouterConfig {
	out := role.DefaultRouter()
	out.ClusterConfig, out.GRPC, out.LogLevel = c.member(name), c.kept(name), c.cfg.LogLevel
	out.Security.SecurityConfig, out.Security.AccessConfig = c.security(name), c.cfg.Security.AccessConfig
	out.Tracing = c.cfg.Tracing
	out.ModelConfig, out.Serving, out.Listen = c.cfg.Model, c.cfg.Serving, c.cfg.Listen
	if c.cfg.gateway() { // which clients and admins call instead
		out.Listen, out.Security.AdminListen = c.kept(name), ""
	}
	out.Threads, out.CoreBudget = c.cfg.RouterThreads(), c.cfg.CoreBudget()
	return out
}

func (c *Cluster) gatewayConfig(name string) role.GatewayConfig {
	out := role.DefaultGateway()
	out.ClusterConfig, out.GRPC, out.LogLevel = c.member(name), c.kept(name), c.cfg.LogLevel
	out.Security.SecurityConfig, out.Security.AccessConfig = c.security(name), c.cfg.Security.AccessConfig
	out.Tracing = c.cfg.Tracing
	out.Model, out.Serving, out.Listen = role.TextConfig{Dir: c.cfg.Model.Dir, Source: c.cfg.Model.Source}, c.cfg.relay(), c.cfg.Listen
	return out
}

// member is what every child shares.
func (c *Cluster) member(name string) role.ClusterConfig {
	return role.ClusterConfig{
		Etcd: c.endpoints, Cluster: c.name, ID: name, Gossip: c.cfg.port(name), GossipLabel: c.label, TTL: c.cfg.TTL,
	}
}

// host is the address on which a child listens.
func (c UpConfig) host(name string) string {
	if c.Host != nil {
		return c.Host(name)
	}
	return "127.0.0.1"
}

// port is a free port on the address on which a child listens, another at each start.
func (c UpConfig) port(name string) string { return net.JoinHostPort(c.host(name), "0") }

// shareCores gives one router every core, because the router waits while the
// nodes compute. It divides the cores among several routers, and among the nodes, at
// least one each.
func shareCores(nodes, routers, threads int) (perNode, perRouter int) {
	if threads > 0 {
		return threads, threads
	}
	cores := runtime.GOMAXPROCS(0)
	return max(1, cores/nodes), max(1, cores/routers)
}

// NodeThreads is how many cores an expert node gets.
func (c UpConfig) NodeThreads() int {
	if c.sharesCores() {
		return c.Model.Threads // of all, as long as others need none
	}
	node, _ := shareCores(c.Nodes, c.Routers, c.Model.Threads)
	return node
}

// RouterThreads is how many cores a router gets.
func (c UpConfig) RouterThreads() int {
	if c.sharesCores() {
		return c.Model.Threads
	}
	_, router := shareCores(c.Nodes, c.Routers, c.Model.Threads)
	return router
}

// CoreBudget is the budget of the processes; "" is none.
func (c UpConfig) CoreBudget() string {
	if !c.sharesCores() {
		return ""
	}
	return c.Model.CoreBudget
}

// sharesCores reports whether the processes share cores. By themselves they do where a
// node would get several of the cores and leave the rest idle; with one core each, to
// pass cores on costs more than it brings.
func (c UpConfig) sharesCores() bool {
	if c.Model.CoreBudget != role.AutoBudget {
		return c.Model.CoreBudget != ""
	}
	return pays(runtime.GOMAXPROCS(0), c.Nodes)
}

func pays(cores, nodes int) bool { return nodes > 1 && cores >= 2*nodes }
