// Command clients lets the clients that people use talk to a cluster.
//
//	go run ./tools/clients [-strict] [-install] [NAME...]
//
// The command installs the pinned versions of the clients under .cache/clients,
// starts three nodes and a gateway with two routers by hachi up, and runs the scripts
// of one client after the other. A script reads a stream three times; the second time
// the command kills an expert node in the middle, the third time the router that draws
// the answer, and the script compares the texts. A client that cannot be
// installed is skipped, with the reason. The exit status is 1 if a client failed, or,
// with -strict, if a client was skipped. With -install the command installs the clients
// and runs none.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// all are the clients, in the order in which they run.
var all = []client{
	{name: "openai-python", ecosystem: python, scripts: []string{"chat.py", "tools.py"}, deaths: 3},
	{name: "openai-node", ecosystem: npm, scripts: []string{"test.mjs"}, deaths: 3},
	{name: "openai-go", ecosystem: golang, scripts: []string{"test"}, deaths: 3},
	{name: "langchain", ecosystem: python, scripts: []string{"test.py"}, deaths: 2},
	{name: "llama-index", ecosystem: python, scripts: []string{"test.py"}, deaths: 2},
	{name: "litellm", ecosystem: python, scripts: []string{"test.py"}, deaths: 2},
	{name: "instructor", ecosystem: python, scripts: []string{"test.py"}, deaths: 1},
	{name: "ai-sdk", ecosystem: npm, scripts: []string{"test.mjs"}, deaths: 4},
	{name: "anthropic-python", ecosystem: python, scripts: []string{"test.py"}, deaths: 2},
	{name: "anthropic-node", ecosystem: npm, scripts: []string{"test.mjs"}, deaths: 2},
	// The streams of these three stay inside the programs.
	{name: "codex", ecosystem: npm, scripts: []string{"test.mjs"}},
	{name: "claude-code", ecosystem: npm, scripts: []string{"test.mjs"}},
	{name: "continue", ecosystem: npm, scripts: []string{"test.mjs"}},
}

// patience is the maximum duration of one client.
const patience = 3 * time.Minute

func main() {
	strict := flag.Bool("strict", false, "fail if a client is skipped")
	install := flag.Bool("install", false, "install the clients and run none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root, err := os.Getwd()
	if err == nil {
		err = run(ctx, os.Stdout, root, *strict, *install, flag.Args())
	}
	if err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "clients:", err)
		os.Exit(1)
	}
}

// tally counts clients by how they ended.
type tally struct{ passed, failed, skipped int }

func (t tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.passed, t.failed, t.skipped)
}

func (t tally) err(strict bool) error {
	switch {
	case t.failed > 0:
		return fmt.Errorf("failed clients: %d", t.failed)
	case strict && t.skipped > 0:
		return fmt.Errorf("skipped clients, which -strict forbids: %d", t.skipped)
	}
	return nil
}

// run installs and runs the named clients, or all; with onlyInstall it runs none.
func run(ctx context.Context, out io.Writer, root string, strict, onlyInstall bool, names []string) error {
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	cache := filepath.Join(root, ".cache", "clients")
	var count tally
	var installed []client
	for _, c := range chosen {
		c.root, c.source, c.dir = root, filepath.Join(root, "tools", "clients", c.name), filepath.Join(cache, c.name)
		if err := prepare(ctx, c, func() { _, _ = fmt.Fprintln(out, "installing", c.name) }); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			count.skipped++
			_, _ = fmt.Fprintf(out, "SKIPPED %s: %s\n", c.name, reason(err))
			continue
		}
		installed = append(installed, c)
	}
	if onlyInstall {
		return count.err(strict)
	}
	if len(installed) > 0 {
		if err := runAll(ctx, out, root, cache, installed, &count); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintln(out, count)
	return count.err(strict)
}

func choose(names []string) ([]client, error) {
	if len(names) == 0 {
		return all, nil
	}
	var chosen []client
	for _, name := range names {
		i := slices.IndexFunc(all, func(c client) bool { return c.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no client %q", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// runAll runs the clients against one cluster.
func runAll(ctx context.Context, out io.Writer, root, cache string, clients []client, count *tally) error {
	cluster, err := startCluster(ctx, root, cache)
	if err != nil {
		return err
	}
	killer := newKiller(cluster)
	server := httptest.NewServer(killer.handler(cluster.wait))
	defer server.Close()
	env := []string{"HACHI_URL=" + cluster.url + "/v1", "HACHI_KILLER=" + server.URL, "PYTHONPATH=" + cache, "PYTHONDONTWRITEBYTECODE=1"}
	for _, c := range clients {
		start := time.Now()
		if err := cluster.wait(ctx, time.Minute, killer.recovered); err != nil {
			cluster.stop()
			return fmt.Errorf("the processes did not come back: %w", err)
		}
		said, killed, err := runDeaths(ctx, c, env, cluster, killer)
		if err != nil {
			count.failed++
			_, _ = fmt.Fprintf(out, "FAILED  %s: %v\n%s", c.name, err, said)
			continue
		}
		count.passed++
		_, _ = fmt.Fprintf(out, "passed  %s: %s; %s; %.0f s\n", c.name, strings.Join(strings.Fields(said), " "), killed, time.Since(start).Seconds())
	}
	if log := cluster.stop(); count.failed > 0 {
		_, _ = fmt.Fprint(out, "log of hachi up:\n", log)
	}
	return nil
}

// runDeaths runs the client's scripts, and says how many processes died. It fails if
// fewer died than the client has streams, or if a router died that drew nothing.
func runDeaths(ctx context.Context, c client, env []string, cluster *cluster, killer *killer) (said, killed string, err error) {
	before := map[string]int{node: killer.kills(node), router: killer.kills(router)}
	moved, err := cluster.moved(ctx)
	if err != nil {
		return "", "", err
	}
	if said, err = runClient(ctx, c, env); err != nil {
		return said, "", err
	}
	for _, kind := range []string{node, router} {
		n := killer.kills(kind) - before[kind]
		killed += fmt.Sprintf("%ss killed: %d, ", kind, n)
		if n < c.deaths {
			err = errors.Join(err, fmt.Errorf("%ss killed: %d, want %d", kind, n, c.deaths))
		}
	}
	now, failed := cluster.moved(ctx)
	if moved = now - moved; failed == nil && moved < killer.kills(router)-before[router] {
		failed = errors.New("a router died that drew no answer")
	}
	return said, killed + fmt.Sprintf("answers moved: %d", moved), errors.Join(err, failed)
}

// runClient runs the client's scripts and returns what they print.
func runClient(ctx context.Context, c client, env []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var said strings.Builder
	for _, script := range c.scripts {
		argv := c.ecosystem.run(c, script)
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.dir, append(os.Environ(), env...), &said, &said
		cmd.WaitDelay = time.Second
		if err := cmd.Run(); err != nil {
			return said.String(), errors.Join(fmt.Errorf("%s: %w", script, err), ctx.Err())
		}
	}
	return said.String(), nil
}
