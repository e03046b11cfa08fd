package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	hachi "github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/freeport"
)

// The cluster has a gateway in front of its routers.
const (
	nodes   = 3
	routers = 2
)

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
	listen, err := freeport.Loopback()
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
	c.up = exec.Command(c.hachi, "up", "--nodes", fmt.Sprint(nodes), "--routers", fmt.Sprint(routers), "--listen", listen, "--data-dir", c.data, "--ready-timeout", "1m")
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

// process is a node or a router in the output of hachi status --json.
type process struct {
	Name  string
	PID   int
	Ready bool
}

// report is what hachi status --json says of the processes that may die, in the order
// of their names.
type report struct{ nodes, routers []process }

func (c *cluster) status(ctx context.Context) (report, error) {
	var out, failed bytes.Buffer
	cmd := exec.CommandContext(ctx, c.hachi, "status", "--data-dir", c.data, "--json")
	cmd.Stdout, cmd.Stderr = &out, &failed
	if err := cmd.Run(); err != nil {
		return report{}, fmt.Errorf("hachi status: %w: %s", err, failed.String())
	}
	var said hachi.Status
	if err := json.Unmarshal(out.Bytes(), &said); err != nil {
		return report{}, fmt.Errorf("hachi status: %w", err)
	}
	var r report
	for _, n := range said.Nodes {
		r.nodes = append(r.nodes, process{Name: n.Node, PID: n.PID, Ready: n.State == "serving"})
	}
	for _, n := range said.Routers {
		r.routers = append(r.routers, process{Name: n.Router, PID: n.PID, Ready: n.Acked > 0 && !n.Draining})
	}
	for _, all := range [][]process{r.nodes, r.routers} {
		slices.SortFunc(all, func(a, b process) int { return strings.Compare(a.Name, b.Name) })
	}
	return r, nil
}

// running returns how many answers each router draws for the gateway now.
func (c *cluster) running(ctx context.Context) (map[string]int, error) {
	answers := map[string]int{}
	err := c.metric(ctx, "hachi_gateway_answers_running", func(router string, n int) { answers[router] += n })
	return answers, err
}

// moved returns how many answers have gone on at another router.
func (c *cluster) moved(ctx context.Context) (int, error) {
	sum := 0
	err := c.metric(ctx, "hachi_gateway_answers_moved_total", func(_ string, n int) { sum += n })
	return sum, err
}

var sample = regexp.MustCompile(`^(\w+)\{\w+="([^"]*)"\} (\d+)$`)

// metric calls each with the label and the value of every sample of a metric that has
// one label.
func (c *cluster) metric(ctx context.Context, name string, each func(label string, value int)) error {
	text, err := get(ctx, c.url+"/metrics")
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		found := sample.FindStringSubmatch(strings.TrimSpace(line))
		if found == nil || found[1] != name {
			continue
		}
		value, err := strconv.Atoi(found[3])
		if err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		each(found[2], value)
	}
	return nil
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
