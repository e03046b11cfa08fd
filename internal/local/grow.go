package local

import (
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/role"
)

// AddNode starts expert node i, which the cluster did not begin with. It must not run
// beside Child, Close or another addition.
func (c *Cluster) AddNode(i int) error {
	name := nodeName(i)
	return c.add(identity.Expert, c.nodeCommand(i), c.expertNodeConfig(name))
}

// AddGateway starts another gateway, whose HTTP API listens at an address, under the
// rules of AddNode.
func (c *Cluster) AddGateway(i int, listen string) error {
	name := fmt.Sprintf("gateway-%d", i)
	cfg := c.gatewayConfig(name)
	cfg.Listen = listen
	return c.add(identity.Gateway, c.roleCommand(name, "gateway"), cfg)
}

func (c *Cluster) add(as identity.Role, cmd command, config any) error {
	if c.authority != nil {
		if err := c.authority.issue(as, cmd.name, time.Now()); err != nil {
			return err
		}
	}
	if err := role.WriteConfig(c.configFile(cmd.name), config); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	child, err := startChild(cmd, c.cfg.Restart, c.childEvent)
	if err != nil {
		return err
	}
	c.children = append(c.children, child)
	return nil
}
