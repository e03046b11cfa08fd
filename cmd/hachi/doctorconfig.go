package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/doctor"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
)

// roleConfig is the configuration of a role, and what the doctor examines of it.
type roleConfig struct {
	cmd       *cobra.Command // whose flags name the fields
	into      any
	validate  func() error
	listeners func() []doctor.Listener
	model     func() role.ModelConfig
	memory    func() (capacity, kvCache role.Size)
	security  func() role.SecurityConfig
}

// roleConfigOf makes the configuration of a role by its name, with the defaults.
func roleConfigOf(name string) (roleConfig, error) {
	cmd := &cobra.Command{Use: name}
	at := func(field, addr string) doctor.Listener { return doctor.Listener{Field: field, Addr: addr} }
	none := func() (capacity, kvCache role.Size) { return 0, 0 }
	switch name {
	case "up":
		c := local.DefaultUp()
		upFlags(cmd, &c)
		return roleConfig{cmd, &c, func() error { return errors.Join(completeUp(&c), c.Validate()) },
			func() []doctor.Listener { return []doctor.Listener{at("listen", c.Listen)} },
			func() role.ModelConfig { return c.Model }, func() (capacity, kvCache role.Size) { return 0, role.Size(max(1, c.Routers)) * c.Serving.KVCacheMemory },
			func() role.SecurityConfig { return role.SecurityConfig{} }}, nil
	case "coordinator":
		c := role.DefaultCoordinator()
		coordinatorFlags(cmd, &c)
		return roleConfig{cmd, &c, func() error { return c.Validate() },
			func() []doctor.Listener {
				return []doctor.Listener{at("listen", c.Listen), at("cluster.gossip", c.Gossip), at("security.adminListen", c.Security.AdminListen)}
			},
			func() role.ModelConfig { return role.ModelConfig{} }, none, func() role.SecurityConfig { return c.Security.SecurityConfig }}, nil
	case "expertnode":
		c := role.DefaultExpertNode()
		expertNodeFlags(cmd, &c)
		return roleConfig{cmd, &c, func() error { return c.Validate() },
			func() []doctor.Listener {
				return []doctor.Listener{at("listen", c.Listen), at("cluster.gossip", c.Gossip), at("security.adminListen", c.Security.AdminListen)}
			},
			func() role.ModelConfig { return c.ModelConfig }, func() (capacity, kvCache role.Size) { return c.Capacity, 0 },
			func() role.SecurityConfig { return c.Security.SecurityConfig }}, nil
	case "router":
		c := role.DefaultRouter()
		routerFlags(cmd, &c)
		return roleConfig{cmd, &c, func() error { return c.Validate() },
			func() []doctor.Listener {
				return []doctor.Listener{at("listen", c.Listen), at("grpc", c.GRPC), at("cluster.gossip", c.Gossip), at("security.adminListen", c.Security.AdminListen)}
			},
			func() role.ModelConfig { return c.ModelConfig }, func() (capacity, kvCache role.Size) { return 0, c.Serving.KVCacheMemory },
			func() role.SecurityConfig { return c.Security.SecurityConfig }}, nil
	case "gateway":
		c := role.DefaultGateway()
		gatewayFlags(cmd, &c)
		return roleConfig{cmd, &c, func() error { return c.Validate() },
			func() []doctor.Listener {
				return []doctor.Listener{at("listen", c.Listen), at("grpc", c.GRPC), at("cluster.gossip", c.Gossip), at("security.adminListen", c.Security.AdminListen)}
			},
			func() role.ModelConfig { return role.ModelConfig{} }, none, func() role.SecurityConfig { return c.Security.SecurityConfig }}, nil
	}
	return roleConfig{}, &role.ConfigError{Err: fmt.Errorf("--role %q: want up, coordinator, expertnode, router or gateway", name)}
}

// gatherConfig examines what a role would use at its start.
func (e *examination) gatherConfig(ctx context.Context, facts *doctor.Facts) error {
	c, err := roleConfigOf(e.role)
	if err != nil {
		return err
	}
	facts.Config = &doctor.ConfigFacts{Path: e.config, Role: e.role}
	if err := errors.Join(role.ReadConfig(e.config, c.into), c.validate()); err != nil {
		facts.Config.Faults = explain(c.cmd, err)
	}
	capacity, kvCache := c.memory()
	facts.Config.Capacity, facts.Config.KVCache = int64(capacity), int64(kvCache)
	facts.Ports = doctor.GatherPorts(c.listeners())
	security := c.security()
	etcd := security.EtcdCertificates
	if etcd == role.PlaintextEtcd {
		etcd = ""
	}
	facts.Certificates = doctor.GatherCertificates(facts.Now, security.Certificates, etcd)
	m := c.model()
	if m.Dir = cmp.Or(e.model, m.Dir); m.Dir != "" && !role.IsElsewhere(m.Dir) {
		facts.Model = e.gatherModel(ctx, m)
		if e.role == "router" || e.role == "up" {
			facts.Config.Dense = facts.Model.DenseBytes
		}
	}
	if name := cmp.Or(e.backend, m.Backend); name != "" && len(facts.Config.Faults) == 0 {
		facts.Device = doctor.GatherDevice(name, backend.Options{Device: max(e.device, m.Device), Threads: 1}, backends())
	}
	return nil
}
