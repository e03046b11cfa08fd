package local

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// RunFile tells other commands on this machine how to reach a cluster started
// by Up. It lives in the data directory while the cluster runs.
type RunFile struct {
	Etcd []string `json:"etcd"`
	URL  string   `json:"url"`
	PID  int      `json:"pid"`
	// Children are the process ids of the roles by name, "expert-0" for example.
	// With UpConfig.Restart there are none: a restarted child has another id.
	Children map[string]int `json:"children,omitempty"`
}

const runFileName = "cluster.json"

func (c *Cluster) runFile() string { return filepath.Join(c.cfg.DataDir, runFileName) }

func (c *Cluster) writeRunFile() error {
	run := RunFile{Etcd: c.endpoints, URL: c.URL(), PID: os.Getpid()}
	if !c.cfg.Restart {
		run.Children = make(map[string]int, len(c.children))
		for _, child := range c.children {
			run.Children[child.Name()] = child.PID()
		}
	}
	raw, err := json.MarshalIndent(run, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.runFile(), append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

// ReadRunFile reads the run file of the cluster that uses dataDir.
func ReadRunFile(dataDir string) (RunFile, error) {
	var run RunFile
	raw, err := os.ReadFile(filepath.Join(dataDir, runFileName))
	if err != nil {
		return run, fmt.Errorf("no `hachi up` runs on %s (%w); another cluster is found with --data-dir or --etcd", dataDir, err)
	}
	if err := json.Unmarshal(raw, &run); err != nil {
		return run, fmt.Errorf("%s: %w", filepath.Join(dataDir, runFileName), err)
	}
	return run, nil
}

// DataDir is where `hachi up` keeps the data of the cluster that listens on
// the address, unless configured otherwise.
func DataDir(listen string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory for this user: %w", err)
	}
	return filepath.Join(cache, "hachi", "up-"+listen), nil
}

// ModelsDir is where the models that hachi brings along are kept: in the user's
// cache, or in the data directory of a user without one.
func ModelsDir(dataDir string) string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return filepath.Join(dataDir, "models")
	}
	return filepath.Join(cache, "hachi", "models")
}
