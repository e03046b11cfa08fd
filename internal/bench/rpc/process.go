package rpc

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/hachi-serve/hachi/internal/bench/cputime"
)

// process is a child that says a line when it is ready and ends with its
// standard input.
type process struct {
	cmd  *exec.Cmd
	in   io.Closer
	said []string // the words of its line
}

func startProcess(cores []int, cmd *exec.Cmd) (*process, error) {
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := startOn(cores, cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd, err)
	}
	p := &process{cmd: cmd, in: in}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.end()
		return nil, fmt.Errorf("%s ended before it was ready: %w", cmd, err)
	}
	p.said = strings.Fields(line)
	return p, nil
}

func (p *process) end() {
	p.in.Close()
	_ = p.cmd.Wait() // its exit status does not matter: it is not needed any more
}

// processes are the children of one part of a measurement.
type processes struct {
	nodes, spinners []*process
	certificates    *certificates
}

// start starts nodes and spinners where they belong, and moves this process
// where it does.
func start(c Config, pin Pin, state Cores) (*processes, error) {
	cores, err := allowed()
	if err != nil {
		return nil, err
	}
	here, there := cores, cores
	switch {
	case pin == Apart && len(cores) < 2:
		return nil, fmt.Errorf("pin %q: this process may run on one core alone", pin)
	case pin == Apart:
		here, there = cores[:1], cores[1:]
	case pin == Same:
		here, there = cores[:1], cores[:1]
	}
	p := &processes{}
	if p.certificates, err = newCertificates(); err != nil {
		return nil, err
	}
	nodes := 0
	for _, s := range c.Shapes {
		nodes = max(nodes, s.FanOut)
	}
	for i := range nodes {
		on := there
		if pin != Unpinned {
			on = there[i%len(there):][:1]
		}
		if err := p.add(&p.nodes, on, c.Child("node", c.network(), c.Spin.String(), p.certificates.node)); err != nil {
			return nil, err
		}
	}
	if state != Idle {
		for _, core := range cores {
			if err := p.add(&p.spinners, []int{core}, c.Child("spin", string(state))); err != nil {
				return nil, err
			}
		}
	}
	if pin != Unpinned {
		if err := moveTo(here); err != nil {
			p.end()
			return nil, err
		}
	}
	return p, nil
}

func (p *processes) add(to *[]*process, cores []int, cmd *exec.Cmd) error {
	child, err := startProcess(cores, cmd)
	if err != nil {
		p.end()
		return err
	}
	*to = append(*to, child)
	return nil
}

// cpu is the CPU time that the first n nodes have had, seconds; 0 where the system does not
// tell.
func (p *processes) cpu(n int) (sum float64) {
	for _, node := range p.nodes[:n] {
		if one, err := cputime.Of(node.cmd.Process.Pid); err == nil {
			sum += one
		}
	}
	return sum
}

// addrs are where the first n nodes serve a variant.
func (p *processes) addrs(at, n int) []string {
	var out []string
	for _, node := range p.nodes[:n] {
		out = append(out, node.said[at])
	}
	return out
}

func (p *processes) end() {
	for _, child := range append(p.nodes, p.spinners...) {
		child.end()
	}
	_ = p.certificates.remove() // of the temporary directory
}

func (c Config) network() string {
	if c.Unix {
		return "unix"
	}
	return "tcp"
}
