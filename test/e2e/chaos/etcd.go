package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/cluster/etcdstore"
	"github.com/hachi-serve/hachi/internal/identity"
)

const (
	// etcdName is the target that means every member, and leaderName that which leads.
	etcdName, leaderName = "etcd", "etcd-leader"
	members              = 3
	// memberDisk is the size of the disk of a member in MiB: two logs of 64 MiB, and data.
	memberDisk = 192
	// mended bounds the wait for a member that others must take back.
	mended = time.Minute
	// life is that of a certificate.
	life = 24 * time.Hour
)

// memberEnv has the etcd.Config of the member that a test binary runs.
const memberEnv = "HACHI_CHAOS_ETCD"

// runMember runs a member of etcd in this process until SIGTERM.
func runMember(config string) error {
	var c etcd.Config
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return etcd.Run(ctx, c)
}

// store is the etcd of a cluster: some members, each a process with a certificate.
type store struct {
	certificates string // of a client
	members      map[string]*member
	endpoints    []string
}

// member is one of them.
type member struct {
	*process
	config etcd.Config
}

// disk is the directory of everything that a member writes.
func (m *member) disk() string { return filepath.Dir(m.config.Dir) }

// memberNames are those of the members.
func memberNames() (out []string) {
	for i := range members {
		out = append(out, fmt.Sprintf("etcd-%d", i))
	}
	return out
}

// newStore starts etcd until the test ends, and returns when it answers. address is
// where a member listens, and inside the command line of a process in its network.
func newStore(t *testing.T, dir string, disks bool, address func(string) string, inside func(string, []string) []string) (*store, error) {
	s := &store{members: map[string]*member{}}
	certs := identity.Directory(filepath.Join(dir, "certificates"))
	if err := certs.Init("chaos", 2*life); err != nil {
		return nil, err
	}
	var err error
	if s.certificates, err = certs.Issue(identity.Operator, "chaos", []string{"127.0.0.1"}, life); err != nil {
		return nil, err
	}
	peers := map[string]string{}
	for i, name := range memberNames() {
		peers[name] = net.JoinHostPort(address(name), fmt.Sprint(23800+i))
	}
	for _, name := range memberNames() {
		m := &member{config: etcd.Config{Dir: filepath.Join(dir, name, "data"), Name: name, Members: peers}}
		if disks {
			err = mount(t, m.disk(), memberDisk)
		} else {
			err = os.MkdirAll(m.disk(), 0o700)
		}
		if err != nil {
			return nil, err
		}
		if m.config.Certificates, err = certs.Issue(identity.Etcd, name, []string{"127.0.0.1", address(name)}, life); err != nil {
			return nil, err
		}
		m.config.ClientAddr = net.JoinHostPort(address(name), "23790")
		m.process = &process{argv: inside(name, os.Args[:1]), log: filepath.Join(dir, name+".log")}
		s.members[name], s.endpoints = m, append(s.endpoints, m.config.ClientAddr)
		if err := m.begin(false); err != nil {
			return nil, err
		}
		t.Cleanup(func() { m.Hold(syscall.SIGKILL) })
	}
	return s, s.patiently(t.Context(), func(ctx context.Context, client *clientv3.Client) error {
		_, err := client.Get(ctx, "health")
		return err
	})
}

// begin starts a member, with the data it has.
func (m *member) begin(joins bool) error {
	m.config.Joins = joins
	raw, err := json.Marshal(m.config)
	if err != nil {
		return err
	}
	m.env = []string{memberEnv + "=" + string(raw)}
	return m.Start()
}

// patiently calls ask until it succeeds.
func (s *store) patiently(ctx context.Context, ask func(context.Context, *clientv3.Client) error) error {
	by, err := identity.OpenForeign(s.certificates, nil)
	if err != nil {
		return err
	}
	store, err := etcdstore.Dial(s.endpoints, by.HostCredentials(), slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		return err
	}
	defer store.Close()
	for end := time.Now().Add(mended); ; wait(ctx, again) {
		within, cancel := context.WithTimeout(ctx, 3*time.Second)
		err := ask(within, store.Client())
		cancel()
		if err == nil || ctx.Err() != nil || time.Now().After(end) {
			return err
		}
	}
}

// leader is the name of the member that leads.
func (s *store) leader(ctx context.Context) (name string, err error) {
	err = s.patiently(ctx, func(ctx context.Context, client *clientv3.Client) error {
		for n, m := range s.members {
			status, err := client.Status(ctx, m.config.ClientAddr)
			if err == nil && status.Leader != 0 && status.Leader == status.Header.MemberId {
				name = n
				return nil
			}
		}
		return errors.New("no member of etcd leads")
	})
	return name, err
}

// stop ends every member, lets time pass, and starts them again, with their data unless
// it is lost.
func (s *store) stop(pause func(), lost bool) error {
	for _, m := range s.members {
		m.Hold(syscall.SIGKILL)
	}
	pause()
	var faults []error
	for _, m := range s.members {
		if lost {
			faults = append(faults, os.RemoveAll(m.config.Dir))
		}
		faults = append(faults, m.begin(false))
	}
	return errors.Join(faults...)
}

// wipe loses the data of one member, which the others take back as a new one.
func (s *store) wipe(ctx context.Context, name string) error {
	m := s.members[name]
	m.Hold(syscall.SIGKILL)
	peer := "https://" + m.config.Members[name]
	err := s.patiently(ctx, func(ctx context.Context, client *clientv3.Client) error {
		all, err := client.MemberList(ctx)
		if err != nil {
			return err
		}
		for _, other := range all.Members {
			if other.PeerURLs[0] == peer {
				if _, err := client.MemberRemove(ctx, other.ID); err != nil {
					return err
				}
			}
		}
		_, err = client.MemberAdd(ctx, []string{peer})
		return err
	})
	return errors.Join(err, os.RemoveAll(m.config.Dir), m.begin(true))
}
