package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/status"
)

const (
	// certificateLife is that of the certificates of a `hachi up`. They are renewed
	// while a third of it has passed, by the clock on the wall: a machine may sleep.
	certificateLife = 7 * 24 * time.Hour
	renewAfter      = certificateLife / 3
	renewCheck      = time.Minute
	// clockBack is how long before now certificates begin: the clock of the machine may be
	// set back while the cluster runs.
	clockBack = 365 * 24 * time.Hour

	operatorName = "operator"
)

// authority issues the certificates of one run of a cluster. Its key is in the
// memory of this process only.
type authority struct {
	cfg     UpConfig
	cluster string
	issuer  *identity.Authority
	trusted []byte // the issuer's certificate, PEM
	renewed time.Time
	stop    context.CancelFunc
	done    chan struct{} // closed when nothing is renewed any more
}

// certs is the directory of a cluster's certificates, one directory for each
// process.
func (c UpConfig) certs() string { return filepath.Join(c.DataDir, "certs") }

func (c UpConfig) certificates(name string) string { return filepath.Join(c.certs(), name) }

func (c UpConfig) gossipKeys() string { return filepath.Join(c.certs(), "gossip.keys") }

// newAuthority makes an authority, the certificate of every process and the key of
// the gossip, and removes those of the run before.
func newAuthority(cfg UpConfig, cluster string) (*authority, error) {
	issuer, err := identity.NewAuthority(cluster, time.Now().Add(-clockBack), identity.AuthorityLife+clockBack)
	if err != nil {
		return nil, err
	}
	pair, err := issuer.Pair()
	if err != nil {
		return nil, err
	}
	a := &authority{cfg: cfg, cluster: cluster, issuer: issuer, trusted: pair.Certificate, stop: func() {}, done: make(chan struct{})}
	err = errors.Join(os.RemoveAll(cfg.certs()), identity.MakeDir(cfg.certs()))
	if err == nil {
		err = identity.WriteFile(cfg.gossipKeys(), []byte(identity.NewGossipKey()+"\n"))
	}
	if err == nil {
		err = a.renew()
	}
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	go a.keep(ctx)
	return a, nil
}

// renew issues every certificate.
func (a *authority) renew() error {
	now := time.Now().Round(0) // the clock on the wall
	processes := map[string]identity.Role{"coordinator-0": identity.Coordinator, etcdName: identity.Etcd, operatorName: identity.Operator}
	for i := range a.cfg.Nodes {
		processes[nodeName(i)] = identity.Expert
	}
	for i := range a.cfg.Routers {
		processes[routerName(i)] = identity.Router
	}
	if a.cfg.gateway() {
		processes[gatewayName] = identity.Gateway
	}
	for name, role := range processes {
		if err := a.issue(role, name, now); err != nil {
			return err
		}
	}
	a.renewed = now
	return nil
}

func (a *authority) issue(role identity.Role, name string, from time.Time) error {
	pair, err := a.issuer.Issue(identity.Request{
		ID: identity.ID{Cluster: a.cluster, Role: role, Name: name}, Hosts: []string{"localhost", "127.0.0.1", "::1"}, From: from.Add(-clockBack), Life: certificateLife + clockBack,
	})
	if err != nil {
		return err
	}
	return identity.Write(a.cfg.certificates(name), a.trusted, pair)
}

// Certificates makes the certificate of another process of the cluster, and returns
// its directory. It lasts until the next start.
func (c *Cluster) Certificates(role identity.Role, name string) (dir string, err error) {
	if c.authority == nil {
		return "", errors.New("the cluster has no certificates")
	}
	return c.cfg.certificates(name), c.authority.issue(role, name, time.Now())
}

// keep renews the certificates until ctx ends.
func (a *authority) keep(ctx context.Context) {
	defer close(a.done)
	clock := time.NewTicker(renewCheck)
	defer clock.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
		if time.Now().Round(0).Sub(a.renewed) < renewAfter {
			continue
		}
		err := a.renew()
		if err != nil && !failing {
			quiet(a.cfg.Logger).Error("certificates cannot be renewed", "err", err)
		}
		failing = err != nil
	}
}

// close ends the renewal. The certificates stay until the next start.
func (a *authority) close() {
	if a != nil {
		a.stop()
		<-a.done
	}
}

// security is what a child shows and demands.
func (c *Cluster) security(name string) role.SecurityConfig {
	out := role.SecurityConfig{Insecure: c.cfg.Security.Insecure, EtcdCertificates: c.cfg.Security.EtcdCertificates}
	if len(c.cfg.Etcd) > 0 && out.EtcdCertificates == "" {
		out.EtcdCertificates = role.PlaintextEtcd
	}
	if c.authority == nil {
		out.Insecure = true
		return out
	}
	out.Certificates, out.GossipKeys = c.cfg.certificates(name), c.cfg.gossipKeys()
	return out
}

// Where is the cluster, as its operator reads it.
func (c *Cluster) Where() (status.Where, error) {
	return c.running().Where()
}

// View reads the records of the cluster once.
func (c *Cluster) View(ctx context.Context) (status.View, error) {
	where, err := c.Where()
	if err != nil {
		return status.View{}, err
	}
	return status.ReadView(ctx, where)
}

// Where is the cluster, as its operator reads it.
func (r RunFile) Where() (w status.Where, err error) {
	w = status.Where{Etcd: r.Etcd, Cluster: r.Cluster}
	if r.Certificates != "" {
		if w.By, err = identity.Open(r.Certificates, nil); err != nil {
			return w, err
		}
	}
	if r.EtcdCertificates != "" {
		w.EtcdBy, err = identity.OpenForeign(r.EtcdCertificates, nil)
	}
	return w, err
}
