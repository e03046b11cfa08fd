package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// repository makes a directory with the client's pins and no client installed.
func repository(t *testing.T, name string) string {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, ".cache", "clients"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(root, "tools", "clients", name), os.DirFS(name)); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestAClientWhoseRegistryIsUnreachableIsSkippedWithAReason(t *testing.T) {
	// No server listens at port 1, and nothing comes from a cache.
	t.Setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
	t.Setenv("PIP_RETRIES", "0")
	t.Setenv("PIP_NO_CACHE_DIR", "1")
	t.Setenv("PIP_FIND_LINKS", "")
	t.Setenv("npm_config_registry", "http://127.0.0.1:1/")
	t.Setenv("npm_config_fetch_retries", "0")
	t.Setenv("npm_config_cache", t.TempDir())
	for _, c := range []struct {
		name   string
		strict bool
	}{{"anthropic-python", false}, {"openai-node", false}, {"openai-node", true}} {
		name := c.name
		root := repository(t, name)
		var out strings.Builder
		if err := run(t.Context(), &out, root, c.strict, false, []string{name}); (err != nil) != c.strict {
			t.Errorf("%s, strict %v: %v", name, c.strict, err)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if skip := "SKIPPED " + name + ": "; len(lines) != 3 || lines[0] != "installing "+name || len(lines[1]) <= len(skip) || !strings.HasPrefix(lines[1], skip) {
			t.Errorf("%s: no reason in %q", name, lines)
		}
		if last := lines[len(lines)-1]; last != "0 passed, 0 failed, 1 skipped" {
			t.Errorf("%s: the last line is %q", name, last)
		}
	}
}

func TestAFailedInstallationIsTriedAgain(t *testing.T) {
	root := repository(t, "openai-node")
	tries := 0
	c := client{name: "openai-node", source: filepath.Join(root, "tools", "clients", "openai-node"), dir: filepath.Join(root, ".cache", "clients", "openai-node")}
	c.ecosystem = ecosystem{pins: "package-lock.json", install: func(context.Context, client) error {
		tries++
		if tries == 1 {
			return errors.New("the disk is full")
		}
		return nil
	}}
	if err := prepare(t.Context(), c, func() {}); err == nil {
		t.Error("the first installation passes")
	}
	for range 2 {
		if err := prepare(t.Context(), c, func() {}); err != nil {
			t.Error(err)
		}
	}
	if tries != 2 {
		t.Errorf("%d installations, want 2: the failed one and one that holds", tries)
	}
	if err := os.WriteFile(filepath.Join(c.source, "package-lock.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := prepare(t.Context(), c, func() {}); err != nil || tries != 3 {
		t.Errorf("%d installations after other pins, %v; want 3", tries, err)
	}
}

func TestAnInterruptedInstallationIsNoSkip(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out strings.Builder
	if err := run(ctx, &out, repository(t, "openai-node"), false, false, []string{"openai-node"}); !errors.Is(err, context.Canceled) || strings.Contains(out.String(), "SKIPPED") {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestReasonIsOneLineThatSaysWhatWentWrong(t *testing.T) {
	for said, want := range map[string]string{
		"pip: exit status 1\nLooking in indexes\nERROR: No matching distribution found for x\n":        "pip: exit status 1: ERROR: No matching distribution found for x",
		"npm: exit status 1\nnpm notice\nnpm error connect ECONNREFUSED 127.0.0.1:1\nnpm error more\n": "npm: exit status 1: npm error connect ECONNREFUSED 127.0.0.1:1",
		`exec: "npm": executable file not found in $PATH` + "\n":                                       `exec: "npm": executable file not found in $PATH`,
		"pip: exit status 1\nnothing that helps\n":                                                     "pip: exit status 1",
	} {
		if got := reason(errors.New(said)); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}

func TestExitStatusFollowsTheTally(t *testing.T) {
	for _, c := range []struct {
		tally           tally
		lenient, strict bool // whether the run passes
	}{
		{tally{passed: 2}, true, true},
		{tally{passed: 2, skipped: 1}, true, false},
		{tally{passed: 2, failed: 1}, false, false},
		{tally{skipped: 1}, true, false},
	} {
		if got := c.tally.err(false) == nil; got != c.lenient {
			t.Errorf("%v passes: %v", c.tally, got)
		}
		if got := c.tally.err(true) == nil; got != c.strict {
			t.Errorf("%v passes with -strict: %v", c.tally, got)
		}
	}
	if err := run(t.Context(), &strings.Builder{}, t.TempDir(), false, false, []string{"unheard-of"}); err == nil {
		t.Error("an unknown client is run")
	}
}

// cluster of processes that serve: three nodes, then two routers.
func serving(pids ...int) (r report) {
	for i, pid := range pids {
		p := process{Name: string(rune('a' + i)), PID: pid, Ready: true}
		if i < nodes {
			r.nodes = append(r.nodes, p)
		} else {
			r.routers = append(r.routers, p)
		}
	}
	return r
}

func TestClusterIsWholeWhenLivingProcessesServe(t *testing.T) {
	loading, draining := serving(1, 2, 3, 4, 5), serving(1, 2, 3, 4, 5)
	loading.nodes[1].Ready, draining.routers[1].Ready = false, false
	for name, c := range map[string]struct {
		found report
		dead  []int
		want  bool
	}{
		"all":                         {serving(1, 2, 3, 4, 5), nil, true},
		"all after two deaths":        {serving(1, 6, 3, 4, 7), []int{2, 5}, true},
		"two nodes":                   {report{nodes: serving(1, 2).nodes, routers: serving(1, 2, 3, 4, 5).routers}, nil, false},
		"one router":                  {serving(1, 2, 3, 4), nil, false},
		"one loads":                   {loading, nil, false},
		"one drains":                  {draining, nil, false},
		"one node dead, unnoticed":    {serving(1, 2, 3, 4, 5), []int{2}, false},
		"one router dead, unnoticed":  {serving(1, 2, 3, 4, 5), []int{4}, false},
		"one process that is unknown": {serving(1, 2, 3, 4, 0), nil, false},
	} {
		if got := whole(c.found, c.dead); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// fakeCluster restarts a dead process at once.
type fakeCluster struct {
	found   report
	answers map[string]int
}

func (f *fakeCluster) status(context.Context) (report, error)          { return f.found, nil }
func (f *fakeCluster) running(context.Context) (map[string]int, error) { return f.answers, nil }

func (f *fakeCluster) kill(pid int) error {
	f.found = report{slices.Clone(f.found.nodes), slices.Clone(f.found.routers)}
	for _, all := range [][]process{f.found.nodes, f.found.routers} {
		for i := range all {
			if all[i].PID == pid {
				all[i].PID += 10
			}
		}
	}
	return nil
}

func TestKillerKillsOneNodeAfterTheOtherAndTheRouterThatDraws(t *testing.T) {
	cluster := &fakeCluster{found: serving(1, 2, 3, 4, 5), answers: map[string]int{"d": 0, "e": 1}}
	k := newKiller(cluster)
	k.kill = cluster.kill
	server := httptest.NewServer(k.handler(func(ctx context.Context, _ time.Duration, done func(context.Context) bool) error {
		if !done(ctx) {
			return errors.New("not whole")
		}
		return nil
	}))
	defer server.Close()
	post := func(path string) int {
		resp, err := http.Post(server.URL+path, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	for _, kind := range []string{node, router} {
		if got := post("/kill/" + kind); got != http.StatusConflict {
			t.Errorf("a kill of a %s before all processes serve: %d", kind, got)
		}
	}
	for _, kind := range []string{node, node, router, node, node, router} {
		if whole, kill := post("/whole"), post("/kill/"+kind); whole != 200 || kill != 200 {
			t.Errorf("whole: %d, kill of a %s: %d", whole, kind, kill)
		}
	}
	var got []int
	for _, p := range slices.Concat(cluster.found.nodes, cluster.found.routers) {
		got = append(got, p.PID)
	}
	if !slices.Equal(got, []int{21, 12, 13, 4, 25}) || k.kills(node) != 4 || k.kills(router) != 2 {
		t.Errorf("processes %v after %d kills of nodes and %d of routers", got, k.kills(node), k.kills(router))
	}
	cluster.answers = map[string]int{"d": 0, "e": 0}
	for _, kind := range []string{node, router} {
		if whole, kill := post("/whole"), post("/kill/"+kind); whole != 200 || kill != http.StatusConflict {
			t.Errorf("a kill of a %s while no answer is drawn: %d", kind, kill)
		}
	}
}

func TestMetricsAreReadByTheirLabel(t *testing.T) {
	metrics := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "# TYPE hachi_gateway_answers_running gauge\nhachi_gateway_answers_running{router=\"router-0\"} 0\nhachi_gateway_answers_running{router=\"router-1\"} 3\n"+
			"hachi_gateway_answers_moved_total{reason=\"failed\"} 2\nhachi_gateway_answers_moved_total{reason=\"silent\"} 5\nhachi_gateway_queue_length 9\n")
	}))
	defer metrics.Close()
	c := &cluster{url: metrics.URL}
	if got, err := c.running(t.Context()); err != nil || !maps.Equal(got, map[string]int{"router-0": 0, "router-1": 3}) {
		t.Errorf("running: %v, %v", got, err)
	}
	if got, err := c.moved(t.Context()); err != nil || got != 7 {
		t.Errorf("moved: %d, %v", got, err)
	}
}
