package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPodsServe runs every pod of the cpu overlay with a tiny model: they find
// one another, become ready, serve, and are replaced one at a time, while
// requests go on and give the same answers.
func TestPodsServe(t *testing.T) {
	k := newKubelet(t, "cpu")
	for _, p := range k.pods {
		k.start(t, p)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, p := range k.pods {
		if err := k.ready(ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	k.waitForColumns(ctx, t)
	want := k.answers(ctx, t)
	for _, name := range []string{"expert-7", "expert-3", "coordinator-0", "coordinator-1", "etcd-2", "router-1"} {
		t.Log("replacing", name)
		k.replace(ctx, t, name, want)
	}
	k.waitForColumns(ctx, t)
	if got := k.answers(ctx, t); !slices.Equal(got, want) {
		t.Errorf("after the rollout: %q, want %q", got, want)
	}
	for _, p := range k.pods {
		if err := k.ready(ctx, p); err != nil {
			t.Error(err)
		}
	}
}

// replace stops a pod and starts it again, while the router in front serves.
func (k *kubelet) replace(ctx context.Context, t *testing.T, name string, want []string) {
	t.Helper()
	p := k.pod(t, name)
	stopped := make(chan error, 1)
	go func() { stopped <- k.stop(p) }()
	for rounds := 0; ; rounds++ {
		if got := k.answers(ctx, t); !slices.Equal(got, want) {
			t.Fatalf("while %s stops: %q, want %q", name, got, want)
		}
		select {
		case err := <-stopped:
			if err != nil {
				t.Fatal(err)
			}
		default:
			continue
		}
		break
	}
	k.start(t, p)
	if err := k.ready(ctx, p); err != nil {
		t.Fatal(err)
	}
}

// answers asks the first router of the Service.
func (k *kubelet) answers(ctx context.Context, t *testing.T) []string {
	t.Helper()
	at, err := k.names.Dial("router", 8080)
	if err != nil {
		t.Fatal(err)
	}
	name, _ := k.manifests.Workload("router").Flag("model-name")
	var out []string
	for _, prompt := range []string{"The eight of us walked to the river", "八人で川へ歩いた。"} {
		text, err := complete(ctx, "http://"+at+"/v1/completions", name, prompt)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, text)
	}
	return out
}

func complete(ctx context.Context, url, model, prompt string) (string, error) {
	body, err := json.Marshal(map[string]any{"model": model, "prompt": prompt, "max_tokens": 8, "temperature": 1, "seed": 8})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var answer struct{ Choices []struct{ Text string } }
	if err := json.Unmarshal(raw, &answer); err != nil || len(answer.Choices) != 1 {
		return "", fmt.Errorf("%s: %s", resp.Status, raw)
	}
	return answer.Choices[0].Text, nil
}

// waitForColumns: expert e of every layer is at home on expert-e, and its copy
// on the next pod. `hachi status` is run as one would with kubectl exec.
func (k *kubelet) waitForColumns(ctx context.Context, t *testing.T) {
	t.Helper()
	for {
		fault := k.columns(t)
		if fault == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(fault)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (k *kubelet) columns(t *testing.T) error {
	t.Helper()
	cmd := exec.Command(k.image.program(), "status", "--json")
	cmd.Env = k.environment(t, k.pod(t, "coordinator-0"))
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	var status struct {
		Nodes     []struct{ Backend string }
		Placement [][][]string
	}
	if err := json.Unmarshal(out, &status); err != nil {
		return err
	}
	if len(status.Nodes) != mixtral.experts || len(status.Placement) == 0 {
		return fmt.Errorf("%d nodes, want %d: %s", len(status.Nodes), mixtral.experts, out)
	}
	for layer, experts := range status.Placement {
		for e, nodes := range experts {
			want := []string{fmt.Sprintf("expert-%d", e), fmt.Sprintf("expert-%d", (e+1)%mixtral.experts)}
			if !slices.Equal(nodes, want) {
				return fmt.Errorf("layer %d expert %d is on %v, want %v", layer, e, nodes, want)
			}
		}
	}
	return nil
}

// TestBackendsThatAreNotBuiltIn: the pods of the other overlays refuse to
// start, for good, and say what there is.
func TestBackendsThatAreNotBuiltIn(t *testing.T) {
	for overlay, backend := range map[string]string{"gpu": "gpu", "trn1": "neuron"} {
		k := newKubelet(t, overlay)
		for _, name := range []string{"expert-0", "router-0"} {
			cmd := k.command(t, k.pod(t, name))
			out, err := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != 78 {
				t.Errorf("%s, %s: %v, exit status %d, want 78", overlay, name, err, code)
			}
			if want := fmt.Sprintf("model.backend (--backend): %q: this binary has cpu", backend); !strings.Contains(string(out), want) {
				t.Errorf("%s, %s said %q, want %q", overlay, name, out, want)
			}
		}
	}
}
