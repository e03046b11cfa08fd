package sidecartest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/reference"
	"github.com/hachi-serve/hachi/internal/backend/sidecar/protocol"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// helper answers one node.
type helper struct {
	faults    Faults
	conn      *net.UnixConn
	files     []int // received with frames that were not read yet
	configure protocol.Configure
	layout    protocol.Rows
	rows      []byte // shared
	experts   backend.Experts
}

func (h *helper) hello() protocol.Hello {
	return protocol.Hello{TileRows: h.faults.Tile, Memory: h.faults.Memory, Family: h.faults.Family, Device: "plain Go"}
}

// serve answers frames until the node closes the socket.
func (h *helper) serve() error {
	if h.faults.Silent {
		return h.wait()
	}
	if err := h.crash(protocol.KindHello); err != nil {
		return err
	}
	if err := h.send(protocol.Frame{Kind: protocol.KindHello, Body: h.hello().Body()}); err != nil {
		return err
	}
	for {
		f, err := protocol.Read(h)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := h.crash(f.Kind); err != nil {
			return err
		}
		answer := protocol.Frame{Kind: protocol.KindDone, ID: f.ID}
		if f.Kind == protocol.KindRun && h.faults.Mute {
			continue
		}
		if err := h.obey(f); err != nil {
			answer.Kind, answer.Body = protocol.KindFailed, protocol.Failed{Reason: err.Error()}.Body()
		}
		if err := h.send(answer); err != nil {
			return err
		}
	}
}

// crash is an error at the frame at which the process shall end.
func (h *helper) crash(at protocol.Kind) error {
	if h.faults.Crash != at.String() {
		return nil
	}
	if h.faults.Orphan {
		socket, err := h.conn.File()
		if err != nil {
			return err
		}
		child := exec.Command("cat") // until the node closes the socket
		child.Stdin, child.SysProcAttr = socket, &syscall.SysProcAttr{Setsid: true}
		if err := child.Start(); err != nil {
			return err
		}
	}
	return fmt.Errorf("crash at %v", at)
}

// wait hears nothing until the socket ends.
func (h *helper) wait() error {
	_, err := io.Copy(io.Discard, h.conn)
	return err
}

func (h *helper) send(f protocol.Frame) error {
	_, err := h.conn.Write(f.Append(nil))
	return err
}

// Read implements io.Reader and keeps the files that come along.
func (h *helper) Read(p []byte) (int, error) {
	rights := make([]byte, unix.CmsgSpace(4))
	n, size, _, _, err := h.conn.ReadMsgUnix(p, rights)
	if err != nil {
		return n, err
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	messages, err := syscall.ParseSocketControlMessage(rights[:size])
	if err != nil {
		return n, err
	}
	for _, m := range messages {
		files, err := syscall.ParseUnixRights(&m)
		if err != nil {
			return n, err
		}
		h.files = append(h.files, files...)
	}
	return n, nil
}

// file maps the file of the present frame.
func (h *helper) file(size int64) ([]byte, error) {
	if len(h.files) != 1 {
		return nil, fmt.Errorf("%d files, expected one", len(h.files))
	}
	fd := h.files[0]
	h.files = nil
	defer syscall.Close(fd)
	return unix.Mmap(fd, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func (h *helper) obey(f protocol.Frame) error {
	switch f.Kind {
	case protocol.KindConfigure:
		return h.prepare(f.Body)
	case protocol.KindLoad:
		return h.load(f.Body)
	case protocol.KindUnload:
		u, err := protocol.ParseUnload(f.Body)
		if err != nil {
			return err
		}
		return h.experts.Unload(u.Expert)
	case protocol.KindRun:
		return h.run(f.Body)
	}
	return fmt.Errorf("unexpected %v", f.Kind)
}

func (h *helper) prepare(body []byte) (err error) {
	if h.configure, err = protocol.ParseConfigure(body); err != nil {
		return err
	}
	h.layout = protocol.LayOutRows(h.hello(), h.configure)
	if h.rows, err = h.file(h.layout.Size()); err != nil {
		return err
	}
	device, err := reference.Backend().Open(backend.Options{})
	if err != nil {
		return err
	}
	cfg := model.Config{Hidden: h.configure.Hidden, FFN: h.configure.FFN}
	h.experts, err = device.OpenExperts(cfg, model.Numerics{Wire: h.configure.Wire, FFNActivation: h.configure.Inner})
	return err
}

func (h *helper) load(body []byte) error {
	l, err := protocol.ParseLoad(body)
	if err != nil {
		return err
	}
	layout := protocol.LayOutMatrices(h.configure, l.DType)
	memory, err := h.file(layout.Size())
	if err != nil {
		return err
	}
	matrix := func(i, rows, cols int) tensor.Weight {
		return tensor.Weight{DType: l.DType, Rows: rows, Cols: cols, Data: append([]byte(nil), layout.Matrix(memory, i)...)}
	}
	hidden, ffn := h.configure.Hidden, h.configure.FFN
	w := model.ExpertWeights{W1: matrix(0, ffn, hidden), W3: matrix(1, ffn, hidden), W2: matrix(2, hidden, ffn)}
	return errors.Join(unix.Munmap(memory), h.experts.Load(context.Background(), l.Expert, w))
}

func (h *helper) run(body []byte) error {
	r, err := protocol.ParseRun(body)
	if err != nil {
		return err
	}
	if h.faults.Rude {
		return errors.New("the device has a fault")
	}
	if r.Slot >= h.configure.Slots || r.Rows > h.faults.Tile {
		return fmt.Errorf("slot %d, %d rows", r.Slot, r.Rows)
	}
	index := make([]int32, r.Rows)
	for i := range index {
		index[i] = int32(i)
	}
	groups := []moe.Group{{Expert: r.Expert.Expert, Index: index}}
	return h.experts.Run(context.Background(), r.Expert.Layer, groups, h.layout.In(h.rows, r.Slot, r.Rows), h.layout.Out(h.rows, r.Slot, r.Rows))
}
