package namespaces

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Network joins the namespaces of some processes and this one.
type Network struct {
	bridge string
	subnet string // the first three numbers of its addresses
	names  []string

	mu    sync.Mutex       // guards the fields below
	wires map[string]*wire // by process, while they are disturbed
	lost  map[way]int      // losses that concern a way, while there are any
}

// way is that of packets from one process to another.
type way struct{ from, to string }

// maxProcesses fit into a /24 beside the bridge.
const maxProcesses = 200

// New makes a namespace for each name.
func New(ctx context.Context, names ...string) (*Network, error) {
	if _, err := exec.LookPath("ip"); err != nil || os.Geteuid() != 0 {
		return nil, errors.New("losing the packets of a process needs root, to make network namespaces, and the program ip (Debian: iproute2)")
	}
	if len(names) > maxProcesses {
		return nil, fmt.Errorf("%d processes, want at most %d", len(names), maxProcesses)
	}
	id := os.Getpid()
	n := &Network{bridge: fmt.Sprintf("hb%d", id), subnet: fmt.Sprintf("198.%d.%d", 18+id>>8&1, id&0xff), wires: map[string]*wire{}, lost: map[way]int{}}
	if err := n.make(ctx, names); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Network) make(ctx context.Context, names []string) error {
	for _, args := range [][]string{
		{"link", "add", n.bridge, "type", "bridge"},
		{"addr", "add", n.Host() + "/24", "dev", n.bridge},
		{"link", "set", n.bridge, "up"},
	} {
		if err := ip(ctx, args...); err != nil {
			return err
		}
	}
	for _, name := range names {
		n.names = append(n.names, name)
		space, near := n.space(name), n.port(name)
		for _, args := range [][]string{
			{"netns", "add", space},
			{"link", "add", near, "type", "veth", "peer", "name", inside, "netns", space},
			{"link", "set", near, "master", n.bridge, "up"},
			{"-n", space, "addr", "add", n.Address(name) + "/24", "dev", inside},
			{"-n", space, "link", "set", inside, "up"},
			{"-n", space, "link", "set", "lo", "up"},
		} {
			if err := ip(ctx, args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// inside is the interface in each namespace.
const inside = "eth0"

func (n *Network) index(name string) int    { return slices.Index(n.names, name) }
func (n *Network) space(name string) string { return n.bridge + "-" + strconv.Itoa(n.index(name)) }
func (n *Network) port(name string) string {
	return "hp" + n.bridge[2:] + "-" + strconv.Itoa(n.index(name))
}

// Has reports whether a process has a namespace; the others are in that of this
// process.
func (n *Network) Has(name string) bool { return n.index(name) >= 0 }

// Host is the address of this process.
func (n *Network) Host() string { return n.subnet + ".1" }

// Address is that on which a process listens.
func (n *Network) Address(name string) string {
	if !n.Has(name) {
		return n.Host()
	}
	return n.subnet + "." + strconv.Itoa(2+n.index(name))
}

// Command is the command line that runs argv in the namespace of a process.
func (n *Network) Command(name string, argv []string) []string {
	if !n.Has(name) {
		return argv
	}
	return append([]string{"ip", "netns", "exec", n.space(name)}, argv...)
}

// Lose lets packets of a process vanish until Heal.
func (n *Network) Lose(ctx context.Context, name string, l Loss) error {
	if l == All {
		// Without its bridge, the interface keeps its link and reaches no other.
		return ip(ctx, "link", "set", n.port(name), "nomaster")
	}
	return n.eachWay(name, l, func(w way) error {
		if n.lost[w]++; n.lost[w] > 1 {
			return nil
		}
		return n.neighbor(ctx, w, "replace", n.Address(w.to), "lladdr", absent, "nud", "permanent")
	})
}

// Heal ends a loss.
func (n *Network) Heal(ctx context.Context, name string, l Loss) error {
	if l == All {
		return ip(ctx, "link", "set", n.port(name), "master", n.bridge)
	}
	return n.eachWay(name, l, func(w way) error {
		if n.lost[w]--; n.lost[w] > 0 {
			return nil
		}
		delete(n.lost, w)
		// The kernel forgets what an interface knows when its link goes down; flush,
		// unlike del, takes an entry that is gone for deleted.
		return n.neighbor(ctx, w, "flush", "to", n.Address(w.to), "nud", "permanent")
	})
}

// absent is a network card that does not exist.
const absent = "02:00:00:00:00:00"

// eachWay visits every way that a loss concerns, one loss at a time: two losses can
// concern one way, and it is healed when both are over.
func (n *Network) eachWay(name string, l Loss, visit func(way) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	others := append([]string{""}, n.names...) // "" is this process
	var faults []error
	for _, other := range others {
		switch {
		case other == name:
		case l == Received:
			faults = append(faults, visit(way{other, name}))
		default:
			faults = append(faults, visit(way{name, other}))
		}
	}
	return errors.Join(faults...)
}

// neighbor changes what the sender of a way knows of the receiver's network card.
func (n *Network) neighbor(ctx context.Context, w way, verb string, more ...string) error {
	command := n.within(w.from)
	return ip(ctx, append(append(command, "neigh", verb, "dev", device(command, n)), more...)...)
}

// within are the arguments that let ip work in a namespace.
func (n *Network) within(name string) []string {
	if !n.Has(name) {
		return nil
	}
	return []string{"-n", n.space(name)}
}

// device is the interface by which a namespace reaches the others.
func device(command []string, n *Network) string {
	if len(command) == 0 {
		return n.bridge
	}
	return inside
}

// Close removes the namespaces and the bridge. Processes inside must have ended.
func (n *Network) Close() error {
	var faults []error
	for _, name := range n.names {
		if n.wires[name] != nil {
			faults = append(faults, n.Calm(context.Background(), name))
		}
		faults = append(faults,
			ip(context.Background(), "link", "del", n.port(name)), // the end of a namespace comes later
			ip(context.Background(), "netns", "del", n.space(name)))
	}
	return errors.Join(append(faults, ip(context.Background(), "link", "del", n.bridge))...)
}

func ip(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
