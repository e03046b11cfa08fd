package verify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// client asks the first gateway of the Service. It trusts the authority of the
// cluster and has a key.
type client struct {
	http       *http.Client
	url, model string
	key, admin string
}

// operate makes the Secrets, and returns a client with keys.
func (k *kubelet) operate(t *testing.T) *client {
	t.Helper()
	c := &client{url: k.url(t, "https"), model: k.model(t)}
	c.key, c.admin = k.operator.prepare(t)
	trusted := x509.NewCertPool()
	if raw, err := os.ReadFile(filepath.Join(k.operator.dir, "certs", "ca.crt")); err != nil || !trusted.AppendCertsFromPEM(raw) {
		t.Fatalf("certs/ca.crt: %v", err)
	}
	c.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

// model is the name by which clients ask for the model.
func (k *kubelet) model(t *testing.T) string {
	t.Helper()
	name, ok := k.pod(t, "gateway-0").Workload.Flag("model-name")
	if !ok {
		t.Fatal("the gateways have no name for the model")
	}
	return name
}

func (k *kubelet) url(t *testing.T, scheme string) string {
	t.Helper()
	at, err := k.Names.Dial("gateway", 8080)
	if err != nil {
		t.Fatal(err)
	}
	return scheme + "://" + at
}

// ask sends a request with a key, and returns its answer if that is a success.
func (c *client) ask(ctx context.Context, method, url, key string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, raw)
	}
	return raw, err
}

func (c *client) answers(ctx context.Context, t *testing.T) []string {
	t.Helper()
	var out []string
	for _, prompt := range []string{"The eight of us walked to the river", "八人で川へ歩いた。"} {
		text, err := c.complete(ctx, c.key, prompt)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, text)
	}
	return out
}

func (c *client) complete(ctx context.Context, key, prompt string) (string, error) {
	body, err := json.Marshal(map[string]any{"model": c.model, "prompt": prompt, "max_tokens": 8, "temperature": 1, "seed": 8})
	if err != nil {
		return "", err
	}
	raw, err := c.ask(ctx, http.MethodPost, c.url+"/v1/completions", key, body)
	if err != nil {
		return "", err
	}
	var answer struct{ Choices []struct{ Text string } }
	if err := json.Unmarshal(raw, &answer); err != nil || len(answer.Choices) != 1 {
		return "", fmt.Errorf("%s", raw)
	}
	return answer.Choices[0].Text, nil
}

// documentedLine is the only command of the document that begins with some words.
func documentedLine(t *testing.T, words string) string {
	t.Helper()
	raw, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, line := range strings.Split(string(raw), "\n") {
		if strings.HasPrefix(line, words) {
			found = append(found, line)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s has the commands %q, want one that begins with %q", document, found, words)
	}
	return found[0]
}

// forward makes a port of this machine, which kubectl port-forward leads to a pod,
// the pod's own.
func (k *kubelet) forward(t *testing.T, command, pod string) string {
	t.Helper()
	return strings.ReplaceAll(command, "localhost:", k.pod(t, pod).IP+":")
}

// refuseStrangers: clients without a certificate or a key get no answer, and the
// certificate of an expert node drains no node.
func (k *kubelet) refuseStrangers(ctx context.Context, t *testing.T, c *client) {
	t.Helper()
	for _, at := range []struct{ pod, port string }{{"expert-1", "7070"}, {"coordinator-0", "7071"}, {"etcd-1", "2379"}, {"etcd-1", "2380"}} {
		addr := k.pod(t, at.pod).IP + ":" + at.port
		if raw, err := c.ask(ctx, http.MethodGet, "https://"+addr+"/v1/status", c.admin, nil); err == nil || strings.Contains(err.Error(), "404") {
			t.Errorf("%s answers a client without a certificate: %s", at.pod, raw)
		}
	}
	router, gateway, expert := "https://"+k.pod(t, "router-0").IP, "https://"+k.pod(t, "gateway-0").IP, "https://"+k.pod(t, "expert-0").IP
	for _, try := range []struct {
		url, key string
		passes   bool
	}{
		{gateway + ":8080/v1/models", "", false}, {gateway + ":8080/v1/models", c.key, true}, {gateway + ":8080/v1/models", c.key + "A", false},
		{gateway + ":8082/metrics", c.key, false}, {gateway + ":8082/metrics", c.admin, true},
		{router + ":8080/v1/models", "", false}, {router + ":8080/v1/models", c.key, true},
		{router + ":8082/metrics", c.key, false}, {router + ":8082/metrics", c.admin, true},
		{expert + ":7072/metrics", c.admin, false},
		{strings.Replace(gateway, "https", "http", 1) + ":8080/v1/models", c.key, false},
	} {
		if raw, err := c.ask(ctx, http.MethodGet, try.url, try.key, nil); (err == nil) != try.passes {
			t.Errorf("%s passes %t, want %t: %v %s", try.url, err == nil, try.passes, err, raw)
		}
	}
	k.drain(t)
}

// drain drains a node as the document says: an operator may, through the coordinator
// that leads; an expert node may not.
func (k *kubelet) drain(t *testing.T) {
	t.Helper()
	drained := 0
	for _, coordinator := range []string{"coordinator-0", "coordinator-1"} {
		command := k.forward(t, documentedLine(t, "hachi drain "), coordinator)
		for _, certificates := range []string{filepath.Join(k.Dir, "expert-0", certificatesDir), "certs/operator/alice"} {
			cmd := exec.Command("sh", "-ec", strings.Replace(command, "certs/operator/alice", certificates, 1)+" --undo")
			cmd.Dir, cmd.Env = k.operator.dir, append(os.Environ(), "PATH="+filepath.Join(k.operator.dir, "bin")+":"+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			switch operator := certificates == "certs/operator/alice"; {
			case operator && err == nil:
				drained++
			case operator && !strings.Contains(string(out), "lead"):
				t.Errorf("%s: an operator cannot drain: %v %s", coordinator, err, out)
			case !operator && (err == nil || !strings.Contains(string(out), "expected one of the roles")):
				t.Errorf("%s: an expert node drains another: %v %s", coordinator, err, out)
			}
		}
	}
	if drained != 1 {
		t.Errorf("%d coordinators drain, want the one that leads", drained)
	}
}
