package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/hachi-serve/hachi/internal/identity"
)

// EtcdCommand is the hidden subcommand that runs the embedded etcd.
const EtcdCommand = "etcd"

const (
	etcdName = "etcd-0"
	// etcdPorts is how many ports are tried: one that was free can be taken by
	// somebody else's connection for a moment.
	etcdPorts = 3
	// etcdTries is how often etcd is started with the same data.
	etcdTries   = 4
	etcdPoll    = 20 * time.Millisecond
	etcdTimeout = time.Second // of one question
)

// StartEtcd starts the embedded etcd and returns when it answers, on the port it
// had before if it ran before. From then on its process is restarted whenever it
// ends, as on a full disk: the cluster serves on meanwhile.
func (c *Cluster) StartEtcd(ctx context.Context) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.endpoints) > 0 {
		c.etcd, err = c.startEtcd(ctx, c.endpoints[0])
		return err
	}
	for try := range etcdPorts {
		if try > 0 { // nothing of an earlier run is needed, and its data may be damaged
			if err := os.RemoveAll(c.etcdDir()); err != nil {
				return fmt.Errorf("data directory: %w", err)
			}
		}
		var addr string
		if addr, err = freeLoopback(); err != nil {
			return err
		}
		if c.etcd, err = c.startEtcd(ctx, addr); err == nil {
			c.endpoints = []string{addr}
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, errDiskFull) {
			break
		}
	}
	return err
}

// startEtcd starts the process. One that ends before it answers is not restarted.
func (c *Cluster) startEtcd(ctx context.Context, addr string) (*Child, error) {
	args := []string{EtcdCommand, "--dir", c.etcdDir(), "--listen", addr}
	if c.authority != nil {
		args = append(args, "--certificates", c.cfg.certificates(etcdName))
	}
	cmd := c.command(etcdName, args...)
	cmd.mustRun = true
	failures := 0 // to run for a while
	var serving atomic.Bool
	ended := make(chan ChildEvent, 1)
	child, err := startChild(cmd, true, func(e ChildEvent) {
		if e = c.onDisk(e); serving.Load() {
			if failures++; e.Ran > stableAfter || errors.Is(e.Err, errDiskFull) {
				failures = 0
			}
			if failures >= etcdTries {
				failures, e.Err = 0, fmt.Errorf("%w: %w", e.Err, c.forgetEtcd())
			}
			c.childEvent(e)
			return
		}
		select {
		case ended <- e:
		default:
		}
	})
	if err != nil {
		return nil, err
	}
	poll := time.NewTicker(etcdPoll)
	defer poll.Stop()
	for {
		select {
		case <-poll.C:
			if c.healthy(ctx, addr) {
				serving.Store(true)
				return child, nil
			}
			continue
		case e := <-ended:
			err = e.Err
		case <-ctx.Done():
			err = ctx.Err()
		}
		child.Stop(context.WithoutCancel(ctx))
		return nil, err
	}
}

func (c *Cluster) etcdDir() string { return filepath.Join(c.cfg.DataDir, "etcd") }

// forgetEtcd removes the data of an etcd that does not run with it. The processes
// write their records again, and the coordinator publishes what the nodes hold.
func (c *Cluster) forgetEtcd() error {
	if err := os.RemoveAll(c.etcdDir()); err != nil {
		return fmt.Errorf("its data seems damaged, and cannot be removed: %w", err)
	}
	return errors.New("its data seems damaged: it begins without any")
}

// onDisk names a full disk as the cause of the end of etcd.
func (c *Cluster) onDisk(e ChildEvent) ChildEvent {
	if err := diskFull(c.cfg.DataDir); err != nil {
		e.Err = fmt.Errorf("%s ended: %w", e.Name, err)
	}
	return e
}

// healthy asks an etcd once.
func (c *Cluster) healthy(ctx context.Context, addr string) bool {
	if c.authority == nil {
		return answers(ctx, http.DefaultClient, "http://"+addr+"/health", etcdTimeout)
	}
	by, err := identity.Open(c.cfg.certificates(operatorName), nil)
	if err != nil {
		return false
	}
	transport := &http.Transport{TLSClientConfig: by.HostTLS(), DisableKeepAlives: true}
	return answers(ctx, &http.Client{Transport: transport}, "https://"+addr+"/health", etcdTimeout)
}

// answers reports whether a URL answers with status 200.
func answers(ctx context.Context, client *http.Client, url string, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// freeLoopback finds a free port on loopback.
func freeLoopback() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("no free loopback port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// StopEtcd stops the embedded etcd; its data stays.
func (c *Cluster) StopEtcd() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.etcd != nil {
		c.etcd.Stop(context.Background())
		c.etcd = nil
	}
}
