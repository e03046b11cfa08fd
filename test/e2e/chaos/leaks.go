package chaos

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/scrape"
)

// use is what a process has taken of the machine.
type use struct {
	descriptors, goroutines int
	bytes                   int // resident memory
}

// allowed is how much more a process may have after all faults than before them. What
// a failed connection leaves would be more by far, after hundreds of faults.
func (before use) allowed() use {
	return use{before.descriptors + 30, before.goroutines + 60, 2*before.bytes + 128<<20}
}

// exceeds names what is more than allowed; "" when nothing is.
func (u use) exceeds(allowed use) string {
	switch {
	case u.descriptors > allowed.descriptors:
		return fmt.Sprintf("%d file descriptors, allowed %d", u.descriptors, allowed.descriptors)
	case u.goroutines > allowed.goroutines:
		return fmt.Sprintf("%d goroutines, allowed %d", u.goroutines, allowed.goroutines)
	case u.bytes > allowed.bytes:
		return fmt.Sprintf("%d MiB of memory, allowed %d", u.bytes>>20, allowed.bytes>>20)
	}
	return ""
}

// use reads the use of every process of a role by name.
func (w *world) use(ctx context.Context) (map[string]use, error) {
	out := map[string]use{}
	for name, url := range w.admins {
		pid := w.process(name).PID()
		files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil {
			return nil, err
		}
		metrics, err := scrape.Metrics(ctx, w.admin, url)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		memory, err := residentBytes(pid)
		if err != nil {
			return nil, err
		}
		out[name] = use{len(files), int(metrics["go_goroutines"]), memory}
	}
	return out, nil
}

// residentBytes is the resident memory of a process in bytes.
func residentBytes(pid int) (int, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	pages, err := strconv.Atoi(strings.Fields(string(raw))[1])
	return pages * os.Getpagesize(), err
}

// leaks notes what a process still has that it had not before the faults. Connections
// need a while to end.
func (w *world) leaks(ctx context.Context, t *Timeline, before map[string]use) {
	var more []string
	for end := time.Now().Add(mended); ; wait(ctx, time.Second) {
		now, err := w.use(ctx)
		more = nil
		for name, u := range now {
			if what := u.exceeds(before[name].allowed()); what != "" {
				more = append(more, name+" has "+what)
			}
		}
		if err == nil && len(more) == 0 {
			for name, u := range now {
				t.Note("%s: %+v, before the faults %+v", name, u, before[name])
			}
			return
		}
		if time.Now().After(end) {
			t.Fault("%v after all faults: %v %v", mended, strings.Join(more, "; "), err)
			return
		}
	}
}

// adminClient calls the admin APIs with the certificate of an operator. The addresses
// are of this machine, and the certificates there of the names only.
func (w *world) adminClient() (*http.Client, error) {
	where, err := w.cluster.Where()
	if err != nil {
		return nil, err
	}
	config := where.By.HostTLS()
	config.InsecureSkipVerify, config.MinVersion = true, tls.VersionTLS13
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}, nil
}
