package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// running is a process that faults happen to.
type running interface {
	Signal(os.Signal) error
	PID() int
}

// process is a program that is started again when it ends, as a supervisor does. Its
// methods may be called from any goroutine.
type process struct {
	argv, env []string
	log       string

	mu    sync.Mutex // guards the fields below
	cmd   *exec.Cmd
	held  bool
	ended chan struct{} // closed at the end of cmd
}

// again is how long a supervisor waits.
const again = 200 * time.Millisecond

// stopWithin is what a process that is asked to leave gets before it is killed.
const stopWithin = 15 * time.Second

// Start starts it, and whenever it ends, until Hold.
func (p *process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = false
	return p.spawn()
}

// spawn starts it once. p.mu is held.
func (p *process) spawn() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil { // the disk is full
		if log, err = os.OpenFile(os.DevNull, os.O_WRONLY, 0); err != nil {
			return err
		}
	}
	defer log.Close()
	cmd, ended := exec.Command(p.argv[0], p.argv[1:]...), make(chan struct{})
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), p.env...), log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", filepath.Base(p.log), err)
	}
	p.cmd, p.ended = cmd, ended
	go func() {
		_ = cmd.Wait() // its log says why
		close(ended)
		time.Sleep(again)
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.held && p.cmd == cmd {
			_ = p.spawn()
		}
	}()
	return nil
}

// Hold ends it with a signal and starts it no more.
func (p *process) Hold(s syscall.Signal) {
	p.mu.Lock()
	p.held = true
	cmd, ended := p.cmd, p.ended
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(s)
	_ = cmd.Process.Signal(syscall.SIGCONT) // a paused process cannot stop
	select {
	case <-ended:
	case <-time.After(stopWithin):
		_ = cmd.Process.Kill()
		<-ended
	}
}

// Signal implements running.
func (p *process) Signal(s os.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Signal(s)
}

// PID implements running.
func (p *process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}
