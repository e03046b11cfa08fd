package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/local"
)

// shortTTL is for tests that wait for the end of a lease. The others keep the
// default: a machine without time for a renewal must not move experts.
const shortTTL = 2 * time.Second

// clusterConfig is a cluster of this test binary's processes.
func clusterConfig(t *testing.T, change func(*local.UpConfig)) local.UpConfig {
	t.Helper()
	cfg := local.DefaultUp()
	cfg.Model = tinyDir
	cfg.Listen = freeAddress(t)
	cfg.DataDir = t.TempDir()
	cfg.Serving.KVBytes = 64 << 20
	cfg.Restart = false
	cfg.Binary = os.Args[0]
	cfg.BinaryEnv = []string{runEnv + "=1", "GOMAXPROCS=2"}
	if change != nil {
		change(&cfg)
	}
	return cfg
}

// startCluster runs a cluster of processes until the test ends.
func startCluster(t *testing.T, change func(*local.UpConfig)) *local.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cluster, err := local.Up(ctx, clusterConfig(t, change))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cluster.Close(context.Background()) })
	if err := cluster.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return cluster
}

// freeAddress finds a port below those that systems give to listeners on port
// 0: another process would take one of them before the router listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port between 10000 and 30000 is free")
	return ""
}

// answer is a completion with everything that must not depend on placement.
type answer struct {
	Text     string
	Logprobs string // JSON of tokens, logprobs and alternatives, exact
}

// complete asks for a completion and returns an error instead of failing, so
// that it can run on any goroutine.
func complete(ctx context.Context, url, prompt string, seed, maxTokens int) (answer, error) {
	body, err := json.Marshal(map[string]any{
		"model": "tiny", "prompt": prompt, "max_tokens": maxTokens, "logprobs": 5,
		"temperature": 0.8 * float64(seed%2), "seed": seed,
	})
	if err != nil {
		return answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/completions", bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return answer{}, fmt.Errorf("%s: %s", resp.Status, raw)
	}
	var out struct {
		Choices []struct {
			Text         string          `json:"text"`
			FinishReason string          `json:"finish_reason"`
			Logprobs     json.RawMessage `json:"logprobs"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(raw, &out); err != nil || len(out.Choices) != 1 {
		return answer{}, fmt.Errorf("answer %s: %v", raw, err)
	}
	return answer{out.Choices[0].Text, string(out.Choices[0].Logprobs)}, nil
}

var prompts = []string{
	"The eight of us walked to the river",
	"八人で川へ歩いた。",
	"[INST] 今日の天気は？ [/INST]",
	"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25",
	"a",
	"東京は日本の首都であり、世界最大の都市圏の一つです。 The quick brown fox.",
	"func main() {\n\tfmt.Println(\"hello\")\n}\n",
	"😀 emoji and ｶﾀｶﾅ",
}

// completeAll runs every prompt at once and returns the answers in order.
func completeAll(ctx context.Context, url string, maxTokens int) ([]answer, error) {
	answers, errs := make([]answer, len(prompts)), make(chan error, len(prompts))
	for i, prompt := range prompts {
		go func() {
			var err error
			answers[i], err = complete(ctx, url, prompt, i, maxTokens)
			errs <- err
		}()
	}
	for range prompts {
		if err := <-errs; err != nil {
			return nil, err
		}
	}
	return answers, nil
}

func mustCompleteAll(t *testing.T, url string, maxTokens int) []answer {
	t.Helper()
	answers, err := completeAll(t.Context(), url, maxTokens)
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

func compareAnswers(t *testing.T, what string, got, want []answer) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: prompt %d: got %q\n%s\nwant %q\n%s", what, i, got[i].Text, got[i].Logprobs, want[i].Text, want[i].Logprobs)
		}
	}
}

// generated reads how many tokens the router has generated.
func generated(t *testing.T, url string) int {
	t.Helper()
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "hachi_generation_tokens_total "); ok {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
	}
	t.Fatal("no hachi_generation_tokens_total in /metrics")
	return 0
}
