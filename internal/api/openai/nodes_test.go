package openai

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/moe"
)

// TestLastChunkNamesTheNodes: those of all choices, each once, and only where
// they are asked for.
func TestLastChunkNamesTheNodes(t *testing.T) {
	b := newBench(t, func(b *bench, r engine.Request) enginetest.Script {
		s := enginetest.Script{Tokens: b.tokenizer.Encode("a b")}
		if r.ReportNodes {
			s.Nodes = []moe.NodeID{"z", moe.NodeID(fmt.Sprint("n", r.Choice))}
		}
		return s
	})
	for _, tt := range []struct{ options, last string }{
		{`{"include_nodes":true}`, `"choices":[],"hachi":{"nodes":["n0","n1","z"]}}`},
		{`{"include_nodes":true,"include_usage":true}`, `"hachi":{"nodes":["n0","n1","z"]}}`},
		{`{"include_usage":true}`, ""},
	} {
		for path, prompt := range map[string]string{chatPath: user, textPath: `"prompt":"x"`} {
			w := b.post(path, `{`+prompt+`,"n":2,"stream":true,"stream_options":`+tt.options+`}`)
			all := strings.Split(strings.TrimSpace(w.Body.String()), "\n\n")
			if last := all[len(all)-2]; !strings.HasSuffix(last, tt.last) || strings.Count(w.Body.String(), `"hachi"`) != strings.Count(tt.last, `"hachi"`) {
				t.Errorf("%s with %s ends with %s", path, tt.options, last)
			}
		}
	}
}
