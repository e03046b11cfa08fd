package sidecar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/hachi-serve/hachi/internal/backend/sidecar/protocol"
)

// SocketEnv names the environment variable with the path of the socket on which a
// helper calls its node.
const SocketEnv = "HACHI_SIDECAR_SOCKET"

// IndexEnv names the environment variable with the number of a helper among those of
// its node, from 0.
const IndexEnv = "HACHI_SIDECAR_INDEX"

// helper is a running helper that has said Hello.
type helper struct {
	*link
	hello   protocol.Hello
	output  *output
	process *os.Process
	exited  chan struct{} // closed when the process has been reaped
	reader  chan struct{} // closed when nothing reads the link
	grace   time.Duration
}

// startHelper starts a helper and waits for its Hello.
func startHelper(ctx context.Context, argv []string, index int, w waits, log *slog.Logger) (*helper, error) {
	dir, err := os.MkdirTemp("", "hachi-sidecar-") // of mode 0700
	if err != nil {
		return nil, fmt.Errorf("directory of a helper's socket: %w", err)
	}
	defer os.RemoveAll(dir) // the path is needed until the helper has called
	socket := filepath.Join(dir, "helper.sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("socket of a helper: %w: if the path is too long, set TMPDIR to a shorter one", err)
	}
	defer listener.Close()
	h := &helper{output: &output{log: log}, exited: make(chan struct{}), reader: make(chan struct{}), grace: w.stop}
	if err := h.run(argv, SocketEnv+"="+socket, IndexEnv+"="+strconv.Itoa(index)); err != nil {
		return nil, err
	}
	if err := h.greet(ctx, listener, w.hello); err != nil {
		close(h.reader)
		h.stop()
		return nil, fmt.Errorf("helper %q: %w%s", argv[0], err, h.output.last())
	}
	go func() {
		defer close(h.reader)
		h.read()
	}()
	return h, nil
}

// run starts the process. The thread that starts it stays until the process has ended:
// when the thread ends, and with the node it does, the kernel kills the process.
func (h *helper) run(argv []string, env ...string) error {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = h.output, h.output
	cmd.SysProcAttr = attributes()
	cmd.WaitDelay = h.grace // for children that keep the output open
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // children of the helper
		close(h.exited)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start the helper: %w", err)
	}
	h.process = cmd.Process
	return nil
}

// greet accepts the connection of the helper.
func (h *helper) greet(ctx context.Context, listener *net.UnixListener, within time.Duration) error {
	end := time.Now().Add(within)
	if err := listener.SetDeadline(end); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	accepted := make(chan struct{})
	defer close(accepted)
	go func() {
		select {
		case <-h.exited:
			listener.Close()
		case <-accepted:
		}
	}()
	conn, err := listener.AcceptUnix()
	if err != nil {
		select {
		case <-h.exited:
			return errors.New("it ended before it called")
		default:
			return errors.Join(context.Cause(ctx), fmt.Errorf("it did not call within %v: %w", within, err))
		}
	}
	h.link = newLink(conn)
	go h.mourn()
	defer h.endWith(ctx)()
	if err := checkPeer(conn); err != nil {
		return err
	}
	h.hello, err = h.greeted(time.Until(end))
	return err
}

// lastWords is how long a helper is heard whose process has ended.
const lastWords = time.Second

// mourn ends the connection some time after the process of the helper has ended: a child
// of it may hold the socket open.
func (h *helper) mourn() {
	<-h.exited
	_ = h.conn.SetReadDeadline(time.Now().Add(lastWords))
}

func checkPeer(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	own, failed := false, error(nil)
	if err := raw.Control(func(fd uintptr) { own, failed = ownPeer(int(fd)) }); err != nil {
		return err
	}
	if failed == nil && !own {
		failed = errors.New("the process that called belongs to another user")
	}
	return failed
}

// stop ends the helper by the end of its socket, or by SIGTERM where it has not called,
// and when the grace is over by SIGKILL.
func (h *helper) stop() {
	if h.link != nil {
		h.fail(errEnded)
	} else {
		_ = h.process.Signal(syscall.SIGTERM)
	}
	timer := time.NewTimer(h.grace)
	defer timer.Stop()
	select {
	case <-h.exited:
	case <-timer.C:
		_ = syscall.Kill(-h.process.Pid, syscall.SIGKILL)
		<-h.exited
	}
	<-h.reader
}
