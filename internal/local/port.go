package local

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"

	"github.com/hachi-serve/hachi/internal/role"
)

// freePort says early, and by name, why the fixed port cannot be had.
func freePort(listen string) error {
	l, err := net.Listen("tcp", listen)
	if err == nil {
		return l.Close()
	}
	_, port, _ := net.SplitHostPort(listen) // the configuration is valid
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		err = fmt.Errorf("%s is in use by %s, or choose another address", listen, userOf(listen, port))
	case errors.Is(err, unix.EADDRNOTAVAIL):
		err = fmt.Errorf("%s is no address of this machine: give one of its own, for example 127.0.0.1:%s", listen, port)
	case errors.Is(err, unix.EACCES):
		err = fmt.Errorf("%s needs privileges: choose a port from 1024 on", listen)
	}
	return &role.ConfigError{Err: &role.FieldError{Field: "listen", Err: err}}
}

// userOf says which program uses an address, and how to end or find it.
func userOf(listen, port string) string {
	running, err := Running()
	if err != nil {
		running = nil // then the user looks
	}
	for _, run := range running {
		if run.URL == "http://"+listen {
			return fmt.Sprintf("a running `hachi up`: stop it with `kill %d`", run.PID)
		}
	}
	return fmt.Sprintf("another program: find it with `ss -ltnp 'sport = :%s'` or `lsof -i :%s` and stop it", port, port)
}
