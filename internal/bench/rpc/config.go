package rpc

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"time"
)

// Variant is how a payload travels.
type Variant string

const (
	Raw    Variant = "raw"      // a TCP connection and nothing else
	Hop    Variant = "hop"      // an expert call, as dispatch makes it, in plaintext
	Secure Variant = "hop-mtls" // the same call, between certificates of a cluster
	Unary  Variant = "unary"    // a gRPC call with default settings, in plaintext
)

var variants = []Variant{Raw, Hop, Secure, Unary}

// Pin is where the processes run.
type Pin string

const (
	Unpinned Pin = "none"
	Same     Pin = "same"  // this process and the nodes on one core
	Apart    Pin = "apart" // this process on one core, the nodes on the others
)

// Cores is what else the cores do.
type Cores string

const (
	Idle  Cores = "idle"  // nothing: they halt while all wait
	Awake Cores = "awake" // a process of the lowest class keeps each from halting
	Busy  Cores = "busy"  // a process of the usual class computes on each
)

// Shape is one trip: the payload goes to each of several nodes at once and
// comes back from all, Sequential times in a row.
type Shape struct {
	Payload    int `json:"payload_bytes"` // to each node, and back
	FanOut     int `json:"fan_out"`
	Sequential int `json:"sequential"`
}

// Config describes a measurement.
type Config struct {
	// Child starts this program so that it calls Child with the arguments.
	Child  func(args ...string) *exec.Cmd
	Shapes []Shape
	Pins   []Pin
	Cores  []Cores
	Unix   bool // Unix sockets instead of TCP, for all variants
	// Spin is how long both ends of the hop poll before they wait.
	Spin time.Duration
	// Rounds, and in each how long every variant is measured on every shape.
	Rounds int
	Span   time.Duration
	// Progress is called before each part; nil is allowed.
	Progress func(Pin, Cores)
}

// RowBytes is the size of one row: hidden 4096 in bf16.
const RowBytes = 8 << 10

// Shapes are all payloads by all fan-outs, and, when sequential is above 1, the
// smallest payload sequential times in a row.
func Shapes(payloads, fanOuts []int, sequential int) []Shape {
	var out []Shape
	for _, n := range fanOuts {
		for _, payload := range payloads {
			out = append(out, Shape{payload, n, 1})
		}
	}
	if sequential > 1 && len(payloads) > 0 {
		for _, n := range fanOuts {
			out = append(out, Shape{slices.Min(payloads), n, sequential})
		}
	}
	return out
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var faults []error
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(c.Shapes) == 0 || len(c.Pins) == 0 || len(c.Cores) == 0 {
		bad("nothing to measure: %d shapes, %d pins, %d states of the cores", len(c.Shapes), len(c.Pins), len(c.Cores))
	}
	for _, s := range c.Shapes {
		if s.Payload < RowBytes || s.Payload%RowBytes != 0 || s.Payload > maxPayload {
			bad("payload of %d bytes: want a multiple of %d up to %d", s.Payload, RowBytes, maxPayload)
		}
		if s.FanOut < 1 || s.FanOut > maxFanOut || s.Sequential < 1 {
			bad("%d nodes, %d times in sequence: want 1 to %d nodes, once at least", s.FanOut, s.Sequential, maxFanOut)
		}
	}
	for _, p := range c.Pins {
		if !slices.Contains([]Pin{Unpinned, Same, Apart}, p) {
			bad("pin %q: want none, same or apart", p)
		}
	}
	for _, s := range c.Cores {
		if !slices.Contains([]Cores{Idle, Awake, Busy}, s) {
			bad("cores %q: want idle, awake or busy", s)
		}
	}
	if c.Spin < 0 {
		bad("spin of %v: want none or some", c.Spin)
	}
	if c.Rounds < 1 || c.Span <= 0 {
		bad("%d rounds of %v: want one at least, of some length", c.Rounds, c.Span)
	}
	return errors.Join(faults...)
}

const (
	maxPayload = 16 << 20
	maxFanOut  = 64
)
