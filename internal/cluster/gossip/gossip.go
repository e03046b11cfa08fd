package gossip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// State is what gossip believes of a process.
type State int

const (
	Alive State = iota
	// Suspect means that it stopped answering, or said goodbye: memberlist does
	// not tell which.
	Suspect
)

// Change is news about one process.
type Change struct {
	Name  string // as given in its Config
	Role  string
	State State
}

// Config describes this process.
type Config struct {
	Name      string
	Role      string // "coordinator", "expertnode", "router" or "gateway"
	Label     string // of the cluster: members with another one are not heard
	Bind      string // HOST:PORT; port 0 takes a free one
	Advertise string // HOST:PORT; Bind's own when empty
	// Keys encrypt the gossip; nil is plaintext.
	Keys *Keys
	// Seeds lists addresses to join through; asked again every while, so that
	// halves of a cluster find each other.
	Seeds    func(ctx context.Context) []string
	OnChange func(Change)
	Logger   *slog.Logger // nil is silent
}

// Member is this process in the gossip.
type Member struct {
	list   *memberlist.Memberlist
	events chan memberlist.NodeEvent
	stop   context.CancelFunc
	work   sync.WaitGroup
}

const (
	// joinEvery is how often the seeds are asked for; joinAtOnce how many of
	// those that are no members yet are tried each time.
	joinEvery  = 2 * time.Second
	joinAtOnce = 3
	// connectWithin bounds a try, and with it a stop.
	connectWithin = 2 * time.Second
	leaveWithin   = time.Second
)

// Start joins the gossip.
func Start(c Config) (*Member, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	mc, err := memberlistConfig(c)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &Member{events: make(chan memberlist.NodeEvent, 1024), stop: stop}
	heard := newMembers(ctx, m.events)
	mc.Events, mc.Alive, mc.Delegate = heard, heard, meta(c.Role)
	wire, err := listen(mc, c.Keys, c.Logger)
	if err != nil {
		stop()
		return nil, fmt.Errorf("gossip on %s: %w", c.Bind, err)
	}
	if m.list, err = memberlist.Create(mc); err != nil {
		stop()
		return nil, fmt.Errorf("gossip on %s: %w", c.Bind, errors.Join(err, wire.Shutdown()))
	}
	m.work.Go(func() { m.deliver(ctx, c) })
	m.work.Go(func() { m.join(ctx, c) })
	return m, nil
}

// Addr is the address others can join through.
func (m *Member) Addr() string {
	n := m.list.LocalNode()
	return net.JoinHostPort(n.Addr.String(), strconv.Itoa(int(n.Port)))
}

// Leave says goodbye and stops.
func (m *Member) Leave() error {
	m.stop()
	err := m.list.Leave(leaveWithin)
	return errors.Join(err, m.Kill())
}

// Kill stops without a goodbye.
func (m *Member) Kill() error {
	m.stop()
	err := m.list.Shutdown()
	m.work.Wait()
	return err
}

// deliver turns member events into changes, in order.
func (m *Member) deliver(ctx context.Context, c Config) {
	heard := news{self: m.list.LocalNode().Name, runs: map[string]map[string]bool{}}
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-m.events:
			if change, ok := heard.change(e); ok {
				c.OnChange(change)
			}
		}
	}
}

// join keeps asking the seeds.
func (m *Member) join(ctx context.Context, c Config) {
	for {
		if seeds := m.strangers(c.Seeds(ctx)); len(seeds) > 0 && ctx.Err() == nil {
			if _, err := m.list.Join(seeds); err != nil {
				c.Logger.Debug("gossip join", "seeds", seeds, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(joinEvery):
		}
	}
}

// strangers are a few of the seeds that are not members yet. One is enough to
// meet all others; several get past those that are dead.
func (m *Member) strangers(seeds []string) []string {
	known := map[string]bool{}
	for _, n := range m.list.Members() {
		known[n.Address()] = true
	}
	seeds = slices.DeleteFunc(slices.Clone(seeds), func(addr string) bool { return known[addr] })
	rand.Shuffle(len(seeds), func(i, j int) { seeds[i], seeds[j] = seeds[j], seeds[i] })
	return seeds[:min(len(seeds), joinAtOnce)]
}

func memberlistConfig(c Config) (*memberlist.Config, error) {
	host, port, err := splitAddr(c.Bind)
	if err != nil {
		return nil, err
	}
	if c.Name == "" || len(c.Role) > memberlist.MetaMaxSize || len(c.Label) > memberlist.LabelMaxSize {
		return nil, fmt.Errorf("gossip: name %q, role of %d bytes (at most %d), label of %d (at most %d)",
			c.Name, len(c.Role), memberlist.MetaMaxSize, len(c.Label), memberlist.LabelMaxSize)
	}
	mc := memberlist.DefaultLANConfig()
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		mc = memberlist.DefaultLocalConfig()
	}
	if c.Keys != nil {
		mc.Keyring = c.Keys.ring
	}
	mc.Name, mc.Label = memberName(c.Name, time.Now()), c.Label
	mc.BindAddr, mc.BindPort = host, port
	mc.AdvertisePort = port
	if c.Advertise != "" {
		if mc.AdvertiseAddr, mc.AdvertisePort, err = splitAddr(c.Advertise); err != nil {
			return nil, err
		}
	}
	// Kernels keep all cores busy: a slow answer is not a death. A death is
	// reported after three to six seconds, well within a lease.
	mc.ProbeInterval, mc.ProbeTimeout = time.Second, 500*time.Millisecond
	mc.SuspicionMult, mc.SuspicionMaxTimeoutMult = 3, 2
	mc.TCPTimeout = connectWithin
	// A compressed message costs its receiver far more than its sender: none is heard.
	mc.EnableCompression = false
	mc.DeadNodeReclaimTime = 10 * time.Second
	mc.Logger = slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug)
	return mc, nil
}

func splitAddr(addr string) (string, int, error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("gossip address %q: %w", addr, err)
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("gossip address %q: %q is not a port", addr, text)
	}
	return host, port, nil
}

// meta is the role, sent with the member's name.
type meta string

func (m meta) NodeMeta(limit int) []byte     { return []byte(m) }
func (meta) NotifyMsg([]byte)                {}
func (meta) GetBroadcasts(int, int) [][]byte { return nil }
func (meta) LocalState(bool) []byte          { return nil }
func (meta) MergeRemoteState([]byte, bool)   {}
