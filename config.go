package hachi

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/hachi-serve/hachi/internal/role"
)

// Config describes a cluster inside this process, or of child processes.
type Config struct {
	// Model is the directory of a checkpoint, or the place of one that is elsewhere:
	// https://BASE, http://BASE, s3://BUCKET/PREFIX or oci:DIRECTORY[:TAG].
	Model string
	// Source says how a Model that is elsewhere is fetched.
	Source Source
	// ModelName is the name that requests may carry; empty is the directory's.
	ModelName string
	// Quantize is the format that experts get as they are loaded, int8 for
	// example; empty keeps their format.
	Quantize string

	// Binary is a hachi executable, of the same version as this package, that
	// runs every role as a child process. Empty runs the roles in this process.
	Binary string

	Nodes    int    // expert nodes
	Replicas int    // nodes that hold each expert
	Policy   Policy // what decides which node holds which expert

	// Listen is the address of the HTTP API; port 0 picks a free port.
	Listen string
	// Threads is the number of cores of each expert node and of the router; 0
	// divides the machine.
	Threads int
	// KVCacheBytes is the memory for the KV cache.
	KVCacheBytes int64
	MaxSequences int // that are decoded together; 0 derives it from KVCacheBytes
	MaxQueue     int // requests that wait; further requests get HTTP 429
	PrefixCache  bool
	// SpeculativeTokens is the maximum of draft tokens per step; 0 is none.
	SpeculativeTokens int
	// RequestDeadline bounds a request that names no deadline of its own.
	RequestDeadline time.Duration

	// LeaseTTL is how long the record of a dead node stays.
	LeaseTTL time.Duration
	// Logger receives the logs of roles in this process; nil is silent. Child
	// processes log to files that Close removes.
	Logger *slog.Logger
}

// Source says how weights that are elsewhere are fetched; docs/weights.md.
type Source struct {
	// Cache is the directory that keeps what was fetched; in the user's cache when empty.
	Cache      string
	CacheBytes int64 // maximum size of Cache; 0 is no limit
	// Credentials is a file: a bearer token for https, keys as the AWS tools keep them for
	// s3. When empty, s3 takes those of the environment, and the Hugging Face hub HF_TOKEN.
	Credentials string
	// S3Endpoint is the URL of an S3-compatible store; that of AWS_ENDPOINT_URL, or else
	// Amazon's, when empty.
	S3Endpoint string
	// RedirectHosts are the hosts to which the server of a model may redirect.
	RedirectHosts []string
}

// Policy decides which node holds which expert.
type Policy string

const (
	// Column puts expert e of every layer on node e modulo the number of nodes.
	Column Policy = "column"
	// Balanced places experts layer by layer, by their load.
	Balanced Policy = "balanced"
	// EPLB places as DeepSeek's EPLB, where nodes are equal and counts divide.
	EPLB Policy = "eplb"
)

// DefaultConfig is three nodes with one replica of each expert. It lacks the
// Model.
func DefaultConfig() Config {
	return Config{
		Nodes: 3, Replicas: 1, Policy: Column, Listen: "127.0.0.1:0", KVCacheBytes: 1 << 30, MaxQueue: 256, PrefixCache: true,
		RequestDeadline: 10 * time.Minute, LeaseTTL: 10 * time.Second,
	}
}

const (
	minKVCache           = 1 << 20
	maxSpeculativeTokens = 32
)

// Validate reports every field at fault.
func (c Config) Validate() error {
	var faults []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	want(c.Model != "", "Model is empty: want the directory of a checkpoint")
	err := c.checkModel()
	want(err == nil, "Model: %w", err) // the place may hold a credential
	want(c.Source.CacheBytes >= 0, "Source is wrong: CacheBytes is %d, want at least 0", c.Source.CacheBytes)
	err = role.CheckQuantize(c.Quantize)
	want(err == nil, "Quantize is %w", err)
	if c.Binary != "" {
		_, err = exec.LookPath(c.Binary)
		want(err == nil, "Binary is %q: %w", c.Binary, err)
	}
	want(c.Nodes >= 1, "Nodes is %d: want at least 1", c.Nodes)
	want(c.Replicas >= 1 && c.Replicas <= max(1, c.Nodes), "Replicas is %d: want 1 to Nodes, %d", c.Replicas, c.Nodes)
	want(c.Policy == Column || c.Policy == Balanced || c.Policy == EPLB, "Policy is %q: want column, balanced or eplb", c.Policy)
	_, _, err = net.SplitHostPort(c.Listen)
	want(err == nil, "Listen is %q: want HOST:PORT", c.Listen)
	want(c.Threads >= 0, "Threads is %d: want at least 0", c.Threads)
	want(c.KVCacheBytes >= minKVCache, "KVCacheBytes is %d: want at least %d", c.KVCacheBytes, minKVCache)
	want(c.MaxSequences >= 0, "MaxSequences is %d: want at least 0", c.MaxSequences)
	want(c.MaxQueue >= 0, "MaxQueue is %d: want at least 0", c.MaxQueue)
	want(c.SpeculativeTokens >= 0 && c.SpeculativeTokens <= maxSpeculativeTokens,
		"SpeculativeTokens is %d: want 0 to %d", c.SpeculativeTokens, maxSpeculativeTokens)
	want(c.RequestDeadline > 0, "RequestDeadline is %v: want more than 0", c.RequestDeadline)
	want(c.LeaseTTL >= time.Second, "LeaseTTL is %v: want at least 1s", c.LeaseTTL)
	return errors.Join(faults...)
}

// checkModel finds what is wrong with the place of the model, as far as it is on this
// machine.
func (c Config) checkModel() error {
	switch {
	case c.Model == "":
		return nil
	case role.IsElsewhere(c.Model):
		return role.CheckPlace(c.Model)
	}
	_, err := os.Stat(filepath.Join(c.Model, "config.json"))
	return err
}

// threads are the cores of each node, and of the router, which waits while the
// nodes compute.
func (c Config) threads() (perNode, router int) {
	if c.Threads > 0 {
		return c.Threads, c.Threads
	}
	cores := runtime.GOMAXPROCS(0)
	return max(1, cores/c.Nodes), cores
}
