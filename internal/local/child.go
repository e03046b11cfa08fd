package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/hachi-serve/hachi/internal/numa"
)

// ParentEnv names the environment variable with the number of an inherited file
// descriptor, which ends when the parent of a child does.
const ParentEnv = "HACHI_PARENT_FD"

// ExitConfigError is the exit status of a role whose restart would fail the same
// way: a wrong configuration, a damaged checkpoint. Such a child is not
// restarted. It is EX_CONFIG of sysexits.h: every crash of Go's
// runtime ends with 2.
const ExitConfigError = 78

// stopGrace is how long a child gets to stop by itself before it is killed.
const stopGrace = 10 * time.Second

// command says how to start one child.
type command struct {
	name string
	bin  string
	args []string
	env  []string
	log  string // file that gets its output
	life *os.File
	on   *numa.Node // memory node to which the child is bound; nil is none
	// mustRun restarts the child whatever its exit status says.
	mustRun bool
}

// Child is one role running as a process, restarted when it dies.
type Child struct {
	cmd     command
	restart bool
	events  func(ChildEvent)

	mu      sync.Mutex // guards the fields below
	process *os.Process
	begin   int64 // of the process's output in the log
	stopped bool
	done    chan struct{} // closed when the child will not run again
	wake    chan struct{} // closed by Stop
}

// ChildEvent reports the end of a child's process.
type ChildEvent struct {
	Name string
	// Ran is how long the process ran; 0 if it could not be started.
	Ran time.Duration
	// Err is nil for a clean end. Of a ConfigError it joins the faults.
	Err error
	// Fatal is set when the child will not be started again although it was not
	// stopped.
	Fatal bool
	// ConfigError is set when a restart would fail the same way.
	ConfigError bool
	// InARow counts the processes that ended soon after their start, this one included.
	InARow int
}

// startChild starts the process and the goroutine that keeps it running.
func startChild(cmd command, restart bool, events func(ChildEvent)) (*Child, error) {
	c := &Child{cmd: cmd, restart: restart, events: events, done: make(chan struct{}), wake: make(chan struct{})}
	proc, err := c.spawn("")
	if err != nil {
		return nil, err
	}
	go c.keep(proc)
	return c, nil
}

const (
	minRestartDelay = 200 * time.Millisecond
	maxRestartDelay = 5 * time.Second
	// A process that ran this long did not fail at its start: the next delay is
	// the minimum again.
	stableAfter = 30 * time.Second
)

// keep waits for the process and starts it again until the child is stopped
// or fails for good.
func (c *Child) keep(proc *exec.Cmd) {
	defer close(c.done)
	delay, inARow := minRestartDelay, 0
	for {
		started := time.Now()
		if proc != nil {
			err := proc.Wait()
			if c.isStopped() {
				return
			}
			said := output(c.cmd.log, c.begin)
			configError := proc.ProcessState.ExitCode() == ExitConfigError && !c.cmd.mustRun
			fatal := !c.restart || configError
			if err != nil {
				err = cause(c.cmd.name, err, said)
			}
			if inARow++; time.Since(started) > stableAfter {
				inARow = 0
			}
			c.events(ChildEvent{Name: c.cmd.name, Ran: time.Since(started), Err: err, Fatal: fatal, ConfigError: configError, InARow: inARow})
			if fatal {
				return
			}
		}
		if time.Since(started) > stableAfter {
			delay = minRestartDelay
		}
		select {
		case <-c.wake:
			return
		case <-time.After(delay):
		}
		delay = min(2*delay, maxRestartDelay)
		var err error
		if proc, err = c.spawn(os.DevNull); err != nil {
			c.events(ChildEvent{Name: c.cmd.name, Err: err})
		}
	}
}

func (c *Child) isStopped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopped
}

// PID is the process's number; of the last one when the child was restarted.
func (c *Child) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.process.Pid
}

// spawn starts one process, or none when the child was stopped meanwhile. When the
// log cannot be opened, the process writes to another file; without another it is
// not started.
func (c *Child) spawn(instead string) (proc *exec.Cmd, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return nil, nil
	}
	out, begin, logErr := openLog(c.cmd.log)
	if logErr != nil {
		logErr = fmt.Errorf("start %s: %w", c.cmd.name, logErr)
		if out, err = os.OpenFile(instead, os.O_WRONLY, 0); err != nil {
			return nil, logErr
		}
	}
	defer out.Close()
	c.begin = begin
	proc = exec.Command(c.cmd.bin, c.cmd.args...)
	proc.Env = append(append(os.Environ(), c.cmd.env...), ParentEnv+"=3")
	proc.Stdout, proc.Stderr = out, out
	proc.ExtraFiles = []*os.File{c.cmd.life}
	// A group of its own: Ctrl-C reaches only the parent, which stops the
	// roles in order.
	proc.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	start := proc.Start
	if c.cmd.on != nil {
		start = func() error { return numa.Start(proc, *c.cmd.on) }
	}
	if err := start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.cmd.name, err)
	}
	c.process = proc.Process
	return proc, logErr
}

// Signal sends a signal to the present process, if there is one.
func (c *Child) Signal(sig os.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.process.Signal(sig)
}

// Name is the child's name, for example "expert-3".
func (c *Child) Name() string { return c.cmd.name }

// Stop sends SIGTERM and, when the grace or ctx is over, SIGKILL. It returns when
// the process has ended, and the child is not restarted.
func (c *Child) Stop(ctx context.Context) {
	c.mu.Lock()
	if !c.stopped {
		c.stopped = true
		close(c.wake)
	}
	process := c.process
	c.mu.Unlock()
	_ = process.Signal(syscall.SIGTERM)
	_ = process.Signal(syscall.SIGCONT) // a paused process cannot stop
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
		_ = process.Kill()
	case <-ctx.Done():
		_ = process.Kill()
	}
	<-c.done
}
