package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/role"
)

func TestMistypedCommandLinesSuggestTheRightOne(t *testing.T) {
	for line, want := range map[string]string{
		"upp":                                    "did you mean `hachi up`?",
		"serve":                                  "did you mean `hachi up`?",
		"sttaus":                                 "did you mean `hachi status`?",
		"ps":                                     "did you mean `hachi status`?",
		"expert-node":                            "did you mean `hachi expertnode`?",
		"model quantze dir":                      "did you mean `hachi model quantize`?",
		"bench kernle":                           "did you mean `hachi bench kernel`?",
		"wombat":                                 "`hachi --help` lists the commands",
		"model wombat":                           "`hachi model --help` lists the commands",
		"up --nods 3":                            "unknown flag --nods: did you mean --nodes?",
		"up --replica 3":                         "did you mean --replicas?",
		"up -nodes 3":                            "unknown flag -nodes: did you mean --nodes?",
		"up --port 8080":                         "did you mean --listen?",
		"router --id r --model d --host 0.0.0.0": "did you mean --listen?",
		"up --dataDir /d":                        "did you mean --data-dir?",
		"up --data_dir /d":                       "did you mean --data-dir?",
		"chat --wombat":                          "unknown flag --wombat: `hachi chat --help` lists the flags",
		"up --nodes three":                       `--nodes "three": want a whole number`,
		"up --lease-ttl 10":                      `--lease-ttl "10": want a duration such as`,
		"chat --seed -1":                         `--seed "-1": want a whole number, 0 or more`,
		"up --kv-cache-memory lots":              "kv-cache-memory",
		"up mistralai/Mixtral-8x7B":              "if it is a model, write --model mistralai/Mixtral-8x7B",
		"drain":                                  "an argument is missing: hachi drain NODE",
		"status expert-0":                        `unexpected argument "expert-0": hachi status`,
		"model inspect":                          "an argument is missing: hachi model inspect DIR",
		"model export mini some where ":          `unexpected argument "where"`,
	} {
		_, _, err := execute(t, strings.Fields(line)...)
		if !errors.As(err, new(*role.ConfigError)) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("hachi %s: %v, want one line with %q", line, err, want)
		}
	}
}

func TestHachiByItselfHelps(t *testing.T) {
	out, _, err := execute(t)
	if err != nil || !strings.Contains(out, "hachi up ") || !strings.Contains(out, "hachi chat ") {
		t.Errorf("%v, %s", err, out)
	}
}

// TestEveryFaultIsReportedAtOnce: of the environment, and of flags and the model.
func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	said := func(args ...string) string {
		_, cmd, err := execute(t, args...)
		if err == nil {
			t.Fatalf("%v runs", args)
		}
		return strings.Join(explain(cmd, err), "\n")
	}
	text := said("up", "--model", "mistralai/Mixtral-8x7B", "--nodes", "0", "--replicas", "0", "--log-level", "loud", "--listen", "8080", "--cluster", "a/b")
	for _, want := range []string{"model.dir (--model): ", "nodes (--nodes): 0", "placement.replicas (--replicas): 0", "logLevel (--log-level): ", `listen (--listen): "8080": want HOST:PORT`, "cluster (--cluster): "} {
		if !strings.Contains(text, want) {
			t.Errorf("up: %q is missing in\n%s", want, text)
		}
	}
	text = said("router", "--log-level", "loud", "--grpc", "x")
	for _, want := range []string{"logLevel (--log-level): ", "grpc (--grpc): ", "cluster.id (--id): required", "model.dir (--model): required"} {
		if !strings.Contains(text, want) {
			t.Errorf("router: %q is missing in\n%s", want, text)
		}
	}
	t.Setenv("HACHI_NODES", "three")
	t.Setenv("HACHI_REPLICAS", "two")
	text = said("up")
	for _, want := range []string{`HACHI_NODES="three": want a whole number`, `HACHI_REPLICAS="two": want a whole number`} {
		if !strings.Contains(text, want) {
			t.Errorf("environment: %q is missing in\n%s", want, text)
		}
	}
}

// TestFaultsOfEveryOriginAreReportedAtOnce: of flags, of the environment, of the
// file and of values, a line each.
func TestFaultsOfEveryOriginAreReportedAtOnce(t *testing.T) {
	t.Setenv("HACHI_REPLICAS", "two")
	file := writeTemp(t, "listne: 8080\nnodes: many\nserving: {modelNmae: m, maxQueuedRequests: few}\nkvCacheMemory: 1Gi\nplacement: [a]\nwombat: 1\n")
	for _, command := range []string{"up", "config"} {
		_, cmd, err := execute(t, command, "--config", file, "--nods", "3", "--lease-ttl", "soon", "--threads=x", "--wombat", "--log-level", "loud", "--listen")
		var config *role.ConfigError
		if !errors.As(err, &config) {
			t.Fatalf("%v is no fault of a configuration", err)
		}
		got := explain(cmd, err)
		want := []string{
			"unknown flag --nods: did you mean --nodes?",
			`--lease-ttl "soon": want a duration such as 500ms, 10s or 5m`,
			`--threads "x": want a whole number`,
			"unknown flag --wombat: `hachi " + command + " --help` lists the flags",
			"flag needs an argument: --listen",
			`HACHI_REPLICAS="two": want a whole number`,
			file + `: line 1: unknown field "listne": did you mean listen?`,
			file + `: line 2: nodes "many": want a whole number`,
			file + `: line 3: unknown field "modelNmae" in serving: did you mean serving.modelName?`,
			file + `: line 3: serving.maxQueuedRequests "few": want a whole number`,
			file + `: line 4: unknown field "kvCacheMemory": did you mean serving.kvCacheMemory?`,
			file + ": line 5: placement: want a section with fields",
			file + `: line 6: unknown field "wombat": ` + "`hachi config` prints the fields",
			`logLevel (--log-level): "loud": want debug, info, warn or error`,
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
}
