//go:build !linux

package namespaces

import (
	"context"
	"errors"
)

// Network exists on Linux only.
type Network struct{}

var errLinux = errors.New("losing the packets of a process needs network namespaces, and those exist on Linux only")

// New fails.
func New(context.Context, ...string) (*Network, error)         { return nil, errLinux }
func (n *Network) Has(string) bool                             { return false }
func (n *Network) Host() string                                { return "" }
func (n *Network) Address(string) string                       { return "" }
func (n *Network) Command(string, []string) []string           { return nil }
func (n *Network) Lose(context.Context, string, Loss) error    { return errLinux }
func (n *Network) Heal(context.Context, string, Loss) error    { return errLinux }
func (n *Network) Disturb(context.Context, string, Wire) error { return errLinux }
func (n *Network) Calm(context.Context, string) error          { return errLinux }
func (n *Network) Close() error                                { return nil }
