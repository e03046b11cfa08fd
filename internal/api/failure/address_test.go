package failure

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/moe"
)

// TestErrorsOfTheServerNameNoAddress, whatever the cause of whatever kind says.
func TestErrorsOfTheServerNameNoAddress(t *testing.T) {
	causes := map[string]error{
		"10.1.2.3":         &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 7070}, Err: errors.New("connection refused")},
		"fe80::1":          &net.OpError{Op: "read", Net: "tcp", Addr: &net.TCPAddr{IP: net.ParseIP("fe80::1"), Port: 80, Zone: "eth0"}, Err: errors.New("reset")},
		"2001:db8":         errors.New("no route to 2001:db8::7"),
		"hachi.svc":        &net.DNSError{Err: "no such host", Name: "expert-3.hachi.svc", Server: "10.0.0.10:53"},
		"expert-3:7070":    errors.New(`rpc error: code = Unavailable desc = connection error: desc = "transport: dial expert-3:7070"`),
		"etcd.example.org": &url.Error{Op: "Get", URL: "https://etcd.example.org/v3", Err: errors.New("EOF")},
		"/run/hachi":       &net.OpError{Op: "dial", Net: "unix", Addr: &net.UnixAddr{Name: "/run/hachi/etcd.sock", Net: "unix"}, Err: errors.New("refused")},
		"::1":              errors.New("dial tcp ::1: connection refused"),
		"10.7.7.7":         errors.New("dial tcp ::ffff:10.7.7.7: connection refused"),
		"etcd-0.internal":  errors.New("x509: certificate is valid for etcd-0.internal, not for another"),
		"etcd.sock":        errors.New("dial unix:@etcd.sock: refused"),
		"/data":            errors.New("open /data: permission denied"),
		"/srv":             errors.New(`stat "/srv/": no such file`),
		"/models":          &fs.PathError{Op: "open", Path: "/models/secret/model.safetensors", Err: os.ErrNotExist},
	}
	for secret, cause := range causes {
		errs := []error{fmt.Errorf("a new kind: %w", cause), &moe.Panic{Value: cause.Error()}}
		for _, kind := range kindsOfSource(t) {
			errs = append(errs, &moe.Error{Op: "expert call", Node: "expert-3", Kind: kind, Err: cause})
		}
		for _, err := range errs {
			c := Classify(err)
			if strings.Contains(c.Message, secret) {
				t.Errorf("%v: %s", err, c.Message)
			}
			if c.Message == "" {
				t.Errorf("%v: no message", err)
			}
		}
	}
	for _, plain := range []string{"new", "expert L0/E1 has no live replica", "the node has 12.5 GiB: try again later", "step 3: 7 of 8 rows", "panic: runtime error: index out of range [5] with length 3"} {
		if got := withoutAddresses(plain); got != plain {
			t.Errorf("%q became %q", plain, got)
		}
	}
}
