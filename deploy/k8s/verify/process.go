package verify

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Process is the container of a pod.
type Process struct {
	Pod  Pod
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it ended
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ready waits as a kubelet does: for the startup probe, then for the others.
func (p *Process) Ready(ctx context.Context) error {
	c := p.Pod.Workload.Container()
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		for err := Ask(ctx, p.Pod, probe); err != nil; err = Ask(ctx, p.Pod, probe) {
			select {
			case <-p.done:
				return fmt.Errorf("%s ended: %s", p.Pod.Name, p.LastWords())
			case <-ctx.Done():
				return fmt.Errorf("%s: %w: %s", p.Pod.Name, err, p.LastWords())
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return nil
}

// Ask carries out a probe of a pod.
func Ask(ctx context.Context, p Pod, probe *corev1.Probe) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(max(1, probe.TimeoutSeconds))*time.Second)
	defer cancel()
	port, _ := p.Workload.ProbePort(probe)
	if probe.HTTPGet == nil {
		return errors.New("only probes of HTTP are known")
	}
	scheme := strings.ToLower(string(cmp.Or(probe.HTTPGet.Scheme, corev1.URISchemeHTTP)))
	return askHTTP(ctx, fmt.Sprintf("%s://%s:%d%s", scheme, p.IP, port, probe.HTTPGet.Path))
}

// prober asks as a kubelet does: it verifies no certificate, and has none.
var prober = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}

func askHTTP(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := prober.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode >= 400 {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}

// Stop sends SIGTERM and waits as long as a kubelet would before it kills.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("%s: %w", p.Pod.Name, err)
	}
	select {
	case <-p.done:
	case <-time.After(p.Pod.Workload.Grace()):
		p.Kill()
		return fmt.Errorf("%s had to be killed %v after SIGTERM: %s", p.Pod.Name, p.Pod.Workload.Grace(), p.LastWords())
	}
	// etcd ends by the signal itself once it is done.
	if code := p.cmd.ProcessState.ExitCode(); code != 0 && p.Pod.Workload.Component != "etcd" {
		return fmt.Errorf("%s: exit status %d: %s", p.Pod.Name, code, p.LastWords())
	}
	return nil
}

// Kill ends the process at once, unless it has ended.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// crash begins what the Go runtime says at the end of a process.
var crash = regexp.MustCompile(`(?m)^(panic|fatal error|unexpected fault|SIG[A-Z]+):`)

// LastWords is the end of the log, or what the Go runtime said at a crash.
func (p *Process) LastWords() string {
	raw, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	if at := crash.FindIndex(raw); at != nil { // its first lines say why
		return string(raw[max(0, at[0]-500):min(len(raw), at[0]+2500)])
	}
	return string(raw[max(0, len(raw)-1500):])
}
