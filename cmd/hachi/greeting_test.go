package main

import (
	"strings"
	"testing"
)

func TestTheGreetingHasThreeThingsToPaste(t *testing.T) {
	text := greeting("./hachi chat --url http://127.0.0.1:9", "expert-2", 4711)
	for _, want := range []string{
		"\n  ./hachi chat --url http://127.0.0.1:9 自己紹介して\n",
		"\n  ./hachi chat --url http://127.0.0.1:9 --attribute toxicity=4 ",
		` "Tell me a story about a dragon." | (dd bs=1 count=9 2>/dev/null; kill -9 4711; cat)` + "\n",
		"node expert-2",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

func TestTheChatCommandNamesAClusterThatIsNotTheUsualOne(t *testing.T) {
	for _, c := range []struct {
		url  string
		only bool
		want string
	}{
		{"http://127.0.0.1:8080", true, " chat"},
		{"http://127.0.0.1:8080", false, " chat --url http://127.0.0.1:8080"},
		{"http://127.0.0.1:9", true, " chat --url http://127.0.0.1:9"},
	} {
		if got := chatCommand(c.url, c.only); !strings.HasSuffix(got, c.want) {
			t.Errorf("%s, the only cluster %v: %q, want …%s", c.url, c.only, got, c.want)
		}
	}
}

func TestAProgramThatGoRunBuiltIsRunByGoRun(t *testing.T) {
	for argv0, want := range map[string]string{
		"/tmp/go-build123/b001/exe/hachi": "go run ./cmd/hachi", "hachi": "hachi", "bin/hachi": "bin/hachi",
	} {
		if got := invocation(argv0); got != want {
			t.Errorf("%s is run as %q, want %q", argv0, got, want)
		}
	}
}
