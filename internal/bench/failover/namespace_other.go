//go:build !linux

package failover

import (
	"context"
	"errors"
)

type namespace struct{ host, inside string }

var errNoNamespace = errors.New("dropping a node's packets needs a network namespace, and those are Linux's alone")

func newNamespace(context.Context) (*namespace, error) { return nil, errNoNamespace }
func (n *namespace) enter() []string                   { return nil }
func (n *namespace) silence(context.Context) error     { return errNoNamespace }
func (n *namespace) heal(context.Context) error        { return errNoNamespace }
func (n *namespace) close() error                      { return nil }
