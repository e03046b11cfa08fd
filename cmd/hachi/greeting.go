package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/weights/mini"
)

// greet prints three things to try with hachi-mini, and nothing for another
// model, which may not answer them.
func greet(out io.Writer, cluster *local.Cluster, cfg local.UpConfig) error {
	if filepath.Base(cfg.Model.Dir) != mini.Name {
		return nil
	}
	victim := fmt.Sprintf("expert-%d", cfg.Nodes-1)
	_, err := io.WriteString(out, greeting(chatCommand(cluster.URL(), isOnly()), victim, cluster.Child(victim).PID()))
	return err
}

// greeting is the text. victim is a node, and pid the number of its process, which
// is killed in the middle of an answer however long the program takes to start.
func greeting(chat, victim string, pid int) string {
	return fmt.Sprintf(`
hachi-mini speaks English and Japanese. Try in another terminal:
  %[1]s 自己紹介して
  %[1]s --attribute toxicity=4 "Why is the sky blue?"
  %[1]s "Tell me a story about a dragon." | (dd bs=1 count=9 2>/dev/null; kill -9 %[3]d; cat)
The last one kills node %[2]s after nine letters of the answer: the rest may pause, and not one token of it changes.
`, chat, victim, pid)
}

// chatCommand is `hachi chat` as it can be pasted. only says that no other cluster runs.
func chatCommand(url string, only bool) string {
	out := invocation(os.Args[0]) + " chat"
	if url != defaultURL || !only {
		out += " --url " + url
	}
	return out
}

// invocation is how a user runs the program that was started as argv0. A program
// that go run built is gone after it.
func invocation(argv0 string) string {
	if strings.Contains(argv0, "go-build") {
		return "go run ./cmd/hachi"
	}
	return argv0
}
