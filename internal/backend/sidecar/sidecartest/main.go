package sidecartest

import (
	"flag"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/hachi-serve/hachi/internal/backend/sidecar"
)

// Faults are what a helper does wrong, as flags of its command.
type Faults struct {
	Family string // "" is Family
	Tile   int    // rows of a tile
	Memory int64
	// Silent helpers never say Hello; Mute helpers answer no run, Rude ones refuse
	// each. Starts bounds how many processes say Hello: the file counts them.
	Silent, Mute, Rude bool
	Starts             int
	Count              string
	// Crash names the frame, as protocol.Kind writes it, at which the process ends instead
	// of an answer. With Orphan, a child that is no longer of its group keeps the socket.
	Crash  string
	Orphan bool
}

// Family is what a helper declares that has no other.
const Family = "go-reference"

// defaultTile is no power of two: calls are cut where no kernel cuts them.
const defaultTile = 24

func (f *Faults) flags() *flag.FlagSet {
	set := flag.NewFlagSet("helper", flag.ContinueOnError)
	set.StringVar(&f.Family, "family", Family, "")
	set.IntVar(&f.Tile, "tile", defaultTile, "")
	set.Int64Var(&f.Memory, "memory", 0, "")
	set.BoolVar(&f.Silent, "silent", false, "")
	set.BoolVar(&f.Mute, "mute", false, "")
	set.BoolVar(&f.Rude, "rude", false, "")
	set.IntVar(&f.Starts, "starts", 0, "")
	set.StringVar(&f.Count, "count", "", "")
	set.StringVar(&f.Crash, "crash", "", "")
	set.BoolVar(&f.Orphan, "orphan", false, "")
	return set
}

// Main is the helper, and does not return, in a process that was started as one. In
// another process it does nothing.
func Main() {
	socket := os.Getenv(sidecar.SocketEnv)
	if socket == "" {
		return
	}
	if err := serve(socket, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "helper:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(socket string, args []string) error {
	var f Faults
	if err := f.flags().Parse(args); err != nil {
		return err
	}
	if err := f.count(); err != nil {
		return err
	}
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return err
	}
	defer conn.Close()
	h := &helper{faults: f, conn: conn}
	return h.serve()
}

// count ends a process that is one too many.
func (f Faults) count() error {
	if f.Starts == 0 {
		return nil
	}
	file, err := os.OpenFile(f.Count, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.WriteString("x"); err != nil {
		return err
	}
	if info, err := file.Stat(); err != nil || info.Size() > int64(f.Starts) {
		return fmt.Errorf("no device for process %d, %v", info.Size(), err)
	}
	return nil
}

// Command is the command of a helper that this test binary is, with flags.
func Command(flags ...string) (string, error) {
	own, err := os.Executable()
	if err != nil {
		return "", err
	}
	return strings.Join(append([]string{own}, flags...), " "), nil
}
