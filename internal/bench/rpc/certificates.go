package rpc

import (
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/hachi-serve/hachi/internal/identity"
)

// certificates are those of a run, in a directory of its own: one for this
// process, one that all nodes share.
type certificates struct {
	dir    string
	node   string // the directory of the nodes' certificate
	router *identity.Source
}

func newCertificates() (*certificates, error) {
	dir, err := os.MkdirTemp("", "hachi-rpc")
	if err != nil {
		return nil, err
	}
	c := &certificates{dir: dir}
	if err := c.issue(); err != nil {
		return nil, errors.Join(err, c.remove())
	}
	return c, nil
}

func (c *certificates) issue() error {
	const life = 24 * time.Hour // of a certificate; its authority outlives it
	d := identity.Directory(c.dir)
	if err := d.Init("bench", 2*life); err != nil {
		return err
	}
	var err error
	if c.node, err = d.Issue(identity.Expert, nodeID, nil, life); err != nil {
		return err
	}
	router, err := d.Issue(identity.Router, "bench", nil, life)
	if err != nil {
		return err
	}
	c.router, err = identity.Open(router, slog.New(slog.DiscardHandler))
	return err
}

func (c *certificates) remove() error { return os.RemoveAll(c.dir) }
