package sidecar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/backend/sidecar/protocol"
	"github.com/hachi-serve/hachi/internal/model"
)

// conversion begins the numerics family of experts in helpers, before the helper's
// own. It is the version of what happens to weights on their way to a helper: formats
// other than f32 and f16 become bf16, those two f32.
const conversion = "sidecar1+"

// waits bound how long a helper may take.
type waits struct {
	hello time.Duration // from its start to its Hello
	load  time.Duration // the first load compiles the program
	run   time.Duration // the runs before it included; an unload takes no longer
	stop  time.Duration // from the end of its socket to its end
	first time.Duration // before it is started again
	last  time.Duration // the same, after many failures in a row
}

func defaultWaits() waits {
	return waits{hello: 10 * time.Minute, load: time.Hour, run: time.Minute, stop: 5 * time.Second, first: 200 * time.Millisecond, last: 30 * time.Second}
}

// maxFailures is how many helpers in a row may fail: they do not get all experts, or end
// before they have computed a tile.
const maxFailures = 6

// Backend is this package as one of a binary's backends.
func Backend() backend.Backend { return backend.Backend{Name: "sidecar", Open: open} }

// device knows its helpers' command and their family. It runs no helper: each fleet
// does.
type device struct {
	backend.Device // of the processor, for attention
	argv           []string
	family         string // of the helper
	helpers        int
	kernel         string
	waits          waits
	log            *slog.Logger
}

// open learns the family from the configuration, or else from a helper that it starts
// and stops.
func open(o backend.Options) (backend.Device, error) {
	d := &device{argv: strings.Fields(o.Sidecar), helpers: max(1, o.SidecarHelpers), kernel: "helper", waits: defaultWaits(), log: o.Log}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if err := d.learn(o.ExpertFamily); err != nil {
		return nil, err
	}
	attention, err := cpu.Backend().Open(o)
	if err != nil {
		return nil, err
	}
	d.Device = attention
	return d, nil
}

// learn finds the family of the helper: that of the cluster, unless it is empty.
func (d *device) learn(cluster string) error {
	of, named := strings.CutPrefix(cluster, conversion)
	switch {
	case strings.ContainsAny(strings.Join(d.argv, " "), "'\"\\"):
		return errors.New("the helper's command has quotes: it is split at spaces only, so put the rest into a script")
	case named:
		d.family = of
		return protocol.CheckFamily(of)
	case cluster != "":
		return fmt.Errorf("the experts of the cluster have numerics family %q, expected %s and the family of the helper", cluster, conversion)
	case len(d.argv) == 0:
		return errors.New("no helper: name its command with --sidecar, or, for a router, the family of the experts with --expert-family")
	}
	h, err := startHelper(context.Background(), d.argv, 0, d.waits, d.log)
	if err != nil {
		return err
	}
	h.stop()
	d.family, d.kernel = h.hello.Family, h.hello.Device
	return nil
}

// Info implements backend.Device. The family of the experts is that of the conversion
// of weights and of the helper.
func (d *device) Info() backend.Info {
	return backend.Info{Family: d.Device.Info().Family, ExpertFamily: conversion + d.family, Kernel: d.kernel}
}

// OpenExperts implements backend.Device. It returns when the helper is ready.
func (d *device) OpenExperts(cfg model.Config, n model.Numerics) (backend.Experts, error) {
	if len(d.argv) == 0 {
		return nil, errors.New("experts need a helper: name its command with --sidecar")
	}
	if err := errors.Join(checkElement("wire", n.Wire), checkElement("FFN activation", n.FFNActivation)); err != nil {
		return nil, fmt.Errorf("backend sidecar: %w", err)
	}
	return openFleet(d, cfg, n)
}
