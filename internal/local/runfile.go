package local

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/role"
)

// RunFile describes a cluster started by Up to other commands on this machine,
// while it runs. One lies in the data directory, a copy among the user's files.
type RunFile struct {
	Etcd    []string `json:"etcd"`
	Cluster string   `json:"cluster"` // its name in etcd
	URL     string   `json:"url"`
	DataDir string   `json:"data_dir"`
	PID     int      `json:"pid"`
	// Certificates and EtcdCertificates are the directories of the operator's
	// certificates; "" is plaintext.
	Certificates     string `json:"certificates,omitempty"`
	EtcdCertificates string `json:"etcd_certificates,omitempty"`
	// Parent is the run of the process that supervises the cluster.
	Parent registry.Holder `json:"parent"`
	// Children are the process ids of the roles by name, "expert-0" for example.
	// With UpConfig.Restart there are none: a restarted child has another id.
	Children map[string]int `json:"children,omitempty"`
}

const runFileName = "cluster.json"

func (c *Cluster) runFile() string { return filepath.Join(c.cfg.DataDir, runFileName) }

// runCopy is the copy among the user's files, named by a hash of the data
// directory.
func (c *Cluster) runCopy() (string, error) {
	hash := sha256.Sum256([]byte(c.cfg.DataDir))
	return inUserDir(runCopies, hex.EncodeToString(hash[:8])+runCopySuffix)
}

const (
	runCopies     = "running"
	runCopySuffix = ".json"
)

// running describes the cluster.
func (c *Cluster) running() RunFile {
	run := RunFile{Etcd: c.endpoints, Cluster: c.name, URL: c.URL(), DataDir: c.cfg.DataDir, PID: os.Getpid(), Parent: role.Holder("")}
	if run.EtcdCertificates = c.cfg.Security.EtcdCertificates; c.authority != nil {
		run.Certificates = c.cfg.certificates(operatorName)
		if len(c.cfg.Etcd) == 0 {
			run.EtcdCertificates = run.Certificates
		}
	}
	return run
}

func (c *Cluster) writeRunFile() error {
	run := c.running()
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
	raw = append(raw, '\n')
	if err := os.WriteFile(c.runFile(), raw, 0o600); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	// Without the copy the cluster is found by its data directory only.
	if path, err := c.runCopy(); err == nil && os.MkdirAll(filepath.Dir(path), 0o700) == nil {
		_ = os.WriteFile(path, raw, 0o600)
	}
	return nil
}

func (c *Cluster) removeRunFile() {
	os.Remove(c.runFile())
	if path, err := c.runCopy(); err == nil {
		os.Remove(path)
	}
}

// ReadRunFile reads the run file of the cluster that uses dataDir. One that a killed
// `hachi up` left describes no cluster.
func ReadRunFile(dataDir string) (RunFile, error) {
	run, err := readRunFile(filepath.Join(dataDir, runFileName))
	gone := errors.Is(err, os.ErrNotExist)
	if err == nil {
		ended, known := role.HasEnded(role.Holder(""))(run.Parent)
		gone = ended && known
	}
	if gone {
		return RunFile{}, fmt.Errorf("no `hachi up` runs on %s", dataDir)
	}
	return run, err
}

func readRunFile(path string) (run RunFile, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return run, err
	}
	if err := json.Unmarshal(raw, &run); err != nil {
		return run, fmt.Errorf("%s: %w", path, err)
	}
	return run, nil
}

// Running lists the clusters that this user's `hachi up` run on this machine, in
// order of URL. It removes what killed ones left.
func Running() ([]RunFile, error) {
	dir, err := inUserDir(runCopies)
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*"+runCopySuffix))
	if err != nil {
		return nil, err
	}
	var out []RunFile
	ended := role.HasEnded(role.Holder(""))
	for _, path := range paths {
		run, err := readRunFile(path)
		if err != nil {
			continue // it is being written, or has ended meanwhile
		}
		switch gone, known := ended(run.Parent); {
		case known && gone:
			os.Remove(path)
		case known:
			out = append(out, run)
		}
	}
	slices.SortFunc(out, func(a, b RunFile) int { return strings.Compare(a.URL, b.URL) })
	return out, nil
}
