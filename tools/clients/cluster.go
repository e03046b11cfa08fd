package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// nodes is the number of expert nodes of the cluster.
const nodes = 3

// cluster is a running hachi up.
type cluster struct {
	hachi, data, url string
	up               *exec.Cmd
	log              *os.File
	ended            chan struct{}
}

// startCluster builds hachi, starts a cluster on a free port, and waits until the
// cluster answers.
func startCluster(ctx context.Context, root, cache string) (*cluster, error) {
	c := &cluster{hachi: filepath.Join(cache, "hachi"), ended: make(chan struct{})}
	if err := command(ctx, root, []string{"CGO_ENABLED=0"}, "go", "build", "-o", c.hachi, "./cmd/hachi"); err != nil {
		return nil, err
	}
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	c.url = "http://" + listen
	if c.data, err = os.MkdirTemp("", "hachi-clients-"); err != nil {
		return nil, err
	}
	if c.log, err = os.Create(filepath.Join(c.data, "up.log")); err != nil {
		return nil, err
	}
	c.up = exec.Command(c.hachi, "up", "--nodes", fmt.Sprint(nodes), "--listen", listen, "--data-dir", c.data, "--ready-timeout", "1m")
	c.up.Stdout, c.up.Stderr = c.log, c.log
	if err := c.up.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = c.up.Wait()
		close(c.ended)
	}()
	if err := c.wait(ctx, time.Minute, func(ctx context.Context) bool {
		_, err := get(ctx, c.url+"/readyz")
		return err == nil
	}); err != nil {
		return nil, fmt.Errorf("the cluster is not ready: %w\n%s", err, c.stop())
	}
	return c, nil
}

// stop ends the cluster, removes the cluster's files, and returns its log.
func (c *cluster) stop() string {
	_ = c.up.Process.Signal(syscall.SIGTERM)
	<-c.ended
	log, _ := os.ReadFile(c.log.Name())
	_ = c.log.Close()
	_ = os.RemoveAll(c.data)
	return string(log)
}

// wait polls until done returns true, the cluster ends, or the time is over.
func (c *cluster) wait(ctx context.Context, limit time.Duration, done func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !done(ctx) {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-c.ended:
			return fmt.Errorf("hachi up has ended")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// node is a node in the output of hachi status --json.
type node struct {
	Name  string `json:"node"`
	State string `json:"state"`
	PID   int    `json:"pid"`
}

// status returns the nodes that hachi status --json names, in the order of names.
func (c *cluster) status(ctx context.Context) ([]node, error) {
	var out, failed bytes.Buffer
	cmd := exec.CommandContext(ctx, c.hachi, "status", "--data-dir", c.data, "--json")
	cmd.Stdout, cmd.Stderr = &out, &failed
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("hachi status: %w: %s", err, failed.String())
	}
	var report struct {
		Nodes []node `json:"nodes"`
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		return nil, fmt.Errorf("hachi status: %w", err)
	}
	slices.SortFunc(report.Nodes, func(a, b node) int { return strings.Compare(a.Name, b.Name) })
	return report.Nodes, nil
}

// running returns how many requests the router computes now.
func (c *cluster) running(ctx context.Context) (int, error) {
	text, err := get(ctx, c.url+"/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		var n int
		if _, err := fmt.Sscanf(line, "hachi_num_requests_running %d", &n); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%s/metrics has no hachi_num_requests_running", c.url)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// get returns the body of an answer with status 200.
func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return body.String(), nil
}
