package hachi

import (
	"context"
	"encoding/json"
	"errors"
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

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/status"
)

// upConfig is the part of the file of `hachi up --config` that a Config decides.
type upConfig struct {
	Model     role.ModelConfig     `yaml:"model"`
	Nodes     int                  `yaml:"nodes"`
	Placement role.PlacementConfig `yaml:"placement"`
	Serving   role.ServingConfig   `yaml:"serving"`
	Listen    string               `yaml:"listen"`
	DataDir   string               `yaml:"dataDir"`
	Restart   bool                 `yaml:"restart"` // false: a killed node stays dead
	TTL       time.Duration        `yaml:"leaseTTL"`
}

// runFile is what `hachi up` writes into its data directory about the cluster.
type runFile struct {
	Etcd             []string       `json:"etcd"`
	Certificates     string         `json:"certificates"` // directories, of the operator
	EtcdCertificates string         `json:"etcd_certificates"`
	Children         map[string]int `json:"children"` // process ids by name
}

const (
	upFileName  = "up.yaml"
	runFileName = "cluster.json"
	// parentEnv names the file descriptor whose end is the end of `hachi up`.
	parentEnv = "HACHI_PARENT_FD=3"
	// closeGrace is how long `hachi up` gets to stop every role: longer than its
	// own grace for the roles.
	closeGrace = 30 * time.Second
)

// startProcesses runs `hachi up` in a private directory and joins the registry
// of the new cluster.
func (c *Cluster) startProcesses(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "hachi-")
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	up, err := c.upConfig(dir)
	if err == nil {
		err = role.WriteConfig(filepath.Join(dir, upFileName), up)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	c.up = c.run(context.WithoutCancel(ctx), "hachi up", func(ctx context.Context) error { return runUp(ctx, c.cfg.Binary, dir) })
	run, err := c.awaitRunFile(ctx, filepath.Join(dir, runFileName))
	if err != nil {
		return err
	}
	where := status.Where{Etcd: run.Etcd, Cluster: clusterName}
	if where.By, err = identity.Open(run.Certificates, c.cfg.Logger); err != nil {
		return err
	}
	if where.EtcdBy, err = identity.Open(run.EtcdCertificates, c.cfg.Logger); err != nil {
		return err
	}
	if c.etcd, err = where.Store(c.cfg.Logger); err != nil {
		return err
	}
	c.scheme, c.http.Transport.(*http.Transport).TLSClientConfig = "https://", where.By.ClientTLS(identity.Coordinator, "")
	c.registry = where.Registry(c.etcd, registry.Options{TTL: c.cfg.LeaseTTL, Logger: c.cfg.Logger})
	return c.findNodes(run.Children)
}

func (c *Cluster) upConfig(dir string) (upConfig, error) {
	listen, err := fixedPort(c.cfg.Listen)
	if err != nil {
		return upConfig{}, fmt.Errorf("listen: %w", err)
	}
	model := c.model(c.cfg.Threads)
	if err := model.MakeAbsolute(); err != nil {
		return upConfig{}, fmt.Errorf("model: %w", err)
	}
	return upConfig{
		Model: model, Nodes: c.cfg.Nodes, Placement: c.placement(), Serving: c.serving(), Listen: listen, DataDir: dir, TTL: c.cfg.LeaseTTL,
	}, nil
}

// fixedPort replaces port 0 by a free port: `hachi up` wants a port that its
// clients know.
func fixedPort(listen string) (string, error) {
	if _, port, err := net.SplitHostPort(listen); err != nil || port != "0" {
		return listen, err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// errDied means that `hachi up` ended before it was stopped.
var errDied = errors.New("ended by itself")

// runUp runs `hachi up` until ctx ends, and then stops it. The processes also
// end when this process dies: the kernel then closes the pipe.
func runUp(ctx context.Context, binary, dir string) error {
	defer os.RemoveAll(dir)
	child, parent, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("pipe to hachi up: %w", err)
	}
	defer child.Close()
	defer parent.Close()
	var stderr tail
	cmd := exec.CommandContext(ctx, binary, "up", "--config", filepath.Join(dir, upFileName))
	cmd.Stderr, cmd.ExtraFiles = &stderr, []*os.File{child}
	// Variables HACHI_* override the file.
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "HACHI_") }), parentEnv)
	// A group of its own: Ctrl-C reaches only this process, which calls Close.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stopped := false
	cmd.WaitDelay = closeGrace
	cmd.Cancel = func() error {
		err := cmd.Process.Signal(syscall.SIGTERM)
		stopped = err == nil
		return err
	}
	err = cmd.Run()
	if !stopped && cmd.ProcessState != nil {
		err = fmt.Errorf("%w: %v", errDied, cmd.ProcessState)
	}
	if text := strings.TrimSpace(string(stderr)); text != "" {
		return fmt.Errorf("%s: %w\n%s", binary, err, text)
	}
	return fmt.Errorf("%s: %w", binary, err)
}

// awaitRunFile waits until `hachi up` has started its children.
func (c *Cluster) awaitRunFile(ctx context.Context, path string) (runFile, error) {
	poll := time.NewTicker(readyEvery)
	defer poll.Stop()
	for {
		select {
		case err := <-c.failed:
			return runFile{}, err
		case <-ctx.Done():
			return runFile{}, fmt.Errorf("the processes have not started: %w", ctx.Err())
		case <-poll.C:
			var run runFile
			if raw, err := os.ReadFile(path); err == nil && json.Unmarshal(raw, &run) == nil {
				return run, nil
			} // absent, or half written
		}
	}
}

// findNodes opens the processes of the expert nodes. An open process is never
// mistaken for a later one with its number, where the system has such handles.
func (c *Cluster) findNodes(children map[string]int) error {
	ended := make(chan struct{})
	close(ended)
	for i := range c.cfg.Nodes {
		id := nodeName(i)
		pid, ok := children[id]
		if !ok {
			return fmt.Errorf("%s names no process of %s: is Binary another version?", runFileName, id)
		}
		process, err := os.FindProcess(pid)
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		c.nodes[id] = &task{done: ended, stop: func(cause error) {
			if errors.Is(cause, role.ErrKilled) {
				_ = process.Kill() // fails when the process has ended
			}
			_ = process.Release()
		}}
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail []byte

const maxTail = 2048

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	*t = (*t)[max(0, len(*t)-maxTail):]
	return len(p), nil
}
