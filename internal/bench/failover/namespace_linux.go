package failover

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// namespace is a network namespace of its own, joined to this one by a pair of
// interfaces. Its addresses are of 198.18.0.0/15, which RFC 2544 sets aside for
// measurements.
type namespace struct {
	name         string
	near, far    string // the ends of the pair, here and in the namespace
	host, inside string // their addresses
}

func newNamespace(ctx context.Context) (*namespace, error) {
	if _, err := exec.LookPath("ip"); err != nil || os.Geteuid() != 0 {
		return nil, errors.New("dropping a node's packets needs root, to make a network namespace, and the program ip (Debian: iproute2)")
	}
	id := os.Getpid()
	address := func(host int) string { return fmt.Sprintf("198.18.%d.%d", id>>6&0xff, id&0x3f<<2+host) }
	n := &namespace{name: fmt.Sprintf("hachi-%d", id), near: fmt.Sprintf("hn%d", id), far: fmt.Sprintf("hf%d", id), host: address(1), inside: address(2)}
	if err := ip(ctx, "netns", "add", n.name); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"link", "add", n.near, "type", "veth", "peer", "name", n.far, "netns", n.name},
		{"addr", "add", n.host + "/30", "dev", n.near},
		{"link", "set", n.near, "up"},
		{"-n", n.name, "addr", "add", n.inside + "/30", "dev", n.far},
		{"-n", n.name, "link", "set", n.far, "up"},
		{"-n", n.name, "link", "set", "lo", "up"},
	} {
		if err := ip(ctx, args...); err != nil {
			return nil, errors.Join(err, n.close())
		}
	}
	return n, nil
}

// enter is what the command line of a process inside begins with.
func (n *namespace) enter() []string { return []string{"ip", "netns", "exec", n.name} }

// silence lets every packet, either way, go to a network card that does not
// exist: no answer comes, and no error. Taking an interface down would
// instead take its routes away, and the packets would leave by another one.
func (n *namespace) silence(ctx context.Context) error {
	const absent = "02:00:00:00:00:00"
	return errors.Join(
		ip(ctx, "neigh", "replace", n.inside, "lladdr", absent, "dev", n.near, "nud", "permanent"),
		ip(ctx, "-n", n.name, "neigh", "replace", n.host, "lladdr", absent, "dev", n.far, "nud", "permanent"),
	)
}

// heal ends the silence.
func (n *namespace) heal(ctx context.Context) error {
	return errors.Join(
		ip(ctx, "neigh", "del", n.inside, "dev", n.near),
		ip(ctx, "-n", n.name, "neigh", "del", n.host, "dev", n.far),
	)
}

// close removes the namespace, and with it the pair.
func (n *namespace) close() error { return ip(context.Background(), "netns", "del", n.name) }

func ip(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
