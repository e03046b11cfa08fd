package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// ecosystem installs and runs the clients of one language.
type ecosystem struct {
	pins    string // the file that pins versions; empty where go.mod does
	install func(ctx context.Context, c client) error
	run     func(c client, script string) []string // the command
}

// client is a folder of tools/clients.
type client struct {
	name      string
	ecosystem ecosystem
	scripts   []string
	deaths    int    // the minimum number of streams under which processes of each kind die
	root      string // of the repository
	source    string // the folder with the scripts and pins
	dir       string // where the client is installed and runs
}

var python = ecosystem{
	pins: "requirements.txt",
	install: func(ctx context.Context, c client) error {
		venv := filepath.Join(c.dir, "venv")
		if err := command(ctx, c.dir, nil, "python3", "-m", "venv", "--clear", venv); err != nil {
			return err
		}
		return command(ctx, c.dir, nil, filepath.Join(venv, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps", "-r", "requirements.txt")
	},
	run: func(c client, script string) []string {
		return []string{filepath.Join(c.dir, "venv", "bin", "python"), script}
	},
}

var npm = ecosystem{
	pins: "package-lock.json",
	install: func(ctx context.Context, c client) error {
		return command(ctx, c.dir, nil, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	},
	run: func(_ client, script string) []string { return []string{"node", script} },
}

// golang needs no file of pins: go.mod has the versions.
var golang = ecosystem{
	install: func(ctx context.Context, c client) error {
		return command(ctx, c.root, nil, "go", "build", "-o", filepath.Join(c.dir, "test"), "./tools/clients/"+c.name)
	},
	run: func(c client, script string) []string { return []string{filepath.Join(c.dir, script)} },
}

// prepare copies the client's folder and what clients share into the cache, and
// installs the pinned packages unless they are there. Before that it calls begin.
func prepare(ctx context.Context, c client, begin func()) error {
	if err := os.MkdirAll(c.dir, 0o750); err != nil {
		return err
	}
	for from, to := range map[string]string{c.source: c.dir, filepath.Dir(c.source): filepath.Dir(c.dir)} {
		if err := copyScripts(from, to); err != nil {
			return err
		}
	}
	if c.ecosystem.pins == "" {
		return c.ecosystem.install(ctx, c)
	}
	pins, err := os.ReadFile(filepath.Join(c.source, c.ecosystem.pins))
	if err != nil {
		return err
	}
	// This file is written last, so that it exists only after a whole installation.
	stamp := filepath.Join(c.dir, "installed")
	if had, err := os.ReadFile(stamp); err == nil && bytes.Equal(had, pins) {
		return nil
	}
	begin()
	if err := os.RemoveAll(stamp); err != nil {
		return err
	}
	if err := c.ecosystem.install(ctx, c); err != nil {
		return err
	}
	return os.WriteFile(stamp, pins, 0o600)
}

// copyScripts copies the files that scripts and package managers read.
func copyScripts(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".py", ".mjs", ".json", ".txt":
			text, err := os.ReadFile(filepath.Join(from, e.Name()))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(to, e.Name()), text, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// command runs a program; an error holds what the program printed.
func command(ctx context.Context, dir string, env []string, program string, args ...string) error {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(os.Environ(), env...), &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(program), err, out.String())
	}
	return nil
}

var telling = regexp.MustCompile(`(?i)error|refused|not found|no matching|unreachable|timed? ?out|no space`)

// reason returns one line of an error of an installation: the first that says what
// went wrong.
func reason(err error) string {
	first, rest, _ := strings.Cut(err.Error(), "\n")
	for line := range strings.Lines(rest) {
		if line = strings.TrimSpace(line); telling.MatchString(line) {
			return first + ": " + line
		}
	}
	return first
}
