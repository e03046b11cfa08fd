package e2e

import (
	"bufio"
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"go.yaml.in/yaml/v3"

	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/browsertest"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/freeport"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// adminKeys writes the file of keys of an operator and a viewer.
func adminKeys(t *testing.T) (file, operator, viewer string) {
	t.Helper()
	operator, olga, err := keys.New("olga", keys.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	viewer, vera, err := keys.New("vera", keys.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	vera.Role = keys.RoleViewer
	raw, err := yaml.Marshal([]keys.Entry{olga, vera})
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "admins.yaml")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, operator, viewer
}

// console is the console of a cluster, as a program that has a key sees it.
type console struct {
	base, key string
	http.Client
}

func openConsole(admin, key string) *console {
	c := &console{base: "https://" + admin + "/console", key: key}
	c.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // the test knows whom it asks
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// send sends a request; the body must be closed. What follows the path's question mark is
// the form of a POST.
func (c *console) send(t *testing.T, method, path string) *http.Response {
	t.Helper()
	form := ""
	if method == "POST" {
		path, form, _ = strings.Cut(path, "?")
	}
	r, err := http.NewRequestWithContext(t.Context(), method, c.base+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// status is that of the answer to a request.
func (c *console) status(t *testing.T, method, path string) int {
	t.Helper()
	resp := c.send(t, method, path)
	resp.Body.Close()
	return resp.StatusCode
}

// page is the text of a page.
func (c *console) page(t *testing.T, path string) string {
	t.Helper()
	resp := c.send(t, "GET", path)
	defer resp.Body.Close()
	var text strings.Builder
	if _, err := bufio.NewReader(resp.Body).WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// TestTheConsoleOfAGateway shows routers, requests and hops of a cluster with
// certificates, a killed node within the time that a person waits, and drains with the
// key of an operator.
func TestTheConsoleOfAGateway(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	file, operator, viewer := adminKeys(t)
	admin := freeport.Address(t)
	cluster := hachi.Cluster(t, func(c *local.UpConfig) {
		c.Nodes, c.Routers, c.Placement = 3, 2, role.PlacementConfig{Policy: "balanced", Replicas: 2}
		c.Security.AdminListen, c.Security.AdminKeys = admin, file
	})
	see, act := openConsole(admin, viewer), openConsole(admin, operator)
	defer see.CloseIdleConnections()
	defer act.CloseIdleConnections()
	shows := func(path string, parts ...string) {
		t.Helper()
		eventually.True(t, path+" shows "+strings.Join(parts, ", "), func() bool {
			text := see.page(t, path)
			for _, part := range parts {
				if !strings.Contains(text, part) {
					return false
				}
			}
			return true
		})
	}
	shows("", "Yes: every expert has a replica that answers")
	shows("/nodes", "expert-0", "expert-2", "router-1", "gateway-0", "coordinator-0", "leads")

	// Nothing has been asked yet: the death is noticed without a call.
	resp := see.send(t, "GET", "/live/experts")
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 8<<20)
	until := func(what, part string) {
		t.Helper()
		for event := ""; lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				event = name
			} else if event == what && strings.Contains(lines.Text(), part) {
				return
			}
		}
		t.Fatalf("the stream ended before %s %s: %v", what, part, lines.Err())
	}
	until("cells", "2 of 2 replicas answer")
	killed := time.Now()
	cluster.Kill(t, "expert-1")
	until("cells", "1 of 2 replicas answer")
	t.Logf("the cells changed %v after kill -9", time.Since(killed).Round(time.Millisecond))
	shows("/events", "expert-1")
	shows("/nodes", "expert-1") // which was started again
	until("cells", "2 of 2 replicas answer")

	harness.MustCompleteAll(t, cluster.URL(), 8)
	shows("/hops", "router-0", "router-1", "expert-1")
	shows("/requests", "done: ", "at gateway-0")

	if got := see.status(t, "POST", "/nodes/expert-2/drain"); got != http.StatusForbidden {
		t.Errorf("a viewer drains: %d", got)
	}
	if got := act.status(t, "POST", "/nodes/expert-2/drain"); got != http.StatusSeeOther {
		t.Errorf("an operator drains: %d", got)
	}
	shows("/nodes", "draining")
	shows("/placement", "expert-2 drains")
	if got := act.status(t, "POST", "/nodes/expert-2/drain?undo=1"); got != http.StatusSeeOther {
		t.Errorf("an operator takes it back: %d", got)
	}
	shows("/events", "expert-2 may serve again")
	if text := act.page(t, "/plan?ask=1&without=expert-0"); !strings.Contains(text, "would change") {
		t.Errorf("the plan is %s", text)
	}
	t.Run("by keyboard", func(t *testing.T) {
		drainByKeyboard(t, see.base, operator, "expert-0")
		shows("/events", "expert-0 is draining")
	})
}

// drainByKeyboard signs in at a console and drains a node, without a pointer.
func drainByKeyboard(t *testing.T, console, key, node string) {
	t.Helper()
	p := browsertest.New(t)
	p.Open(console)
	p.Arrive("Sign in")
	p.Until(`document.activeElement.id === "key"`)
	p.Press(key + kb.Enter)
	p.Arrive("Overview")
	p.TabTo("Nodes")
	p.Press(kb.Enter)
	p.Arrive("Nodes")
	p.TabTo("Drain " + node)
	p.Press(kb.Enter)
	p.Arrive("Drain " + node + "?")
	p.Until(`document.activeElement.textContent === "Drain ` + node + `"`)
	p.Press(kb.Enter)
	p.Arrive("Nodes")
	p.WantText(".notice", "The node is draining")
}
