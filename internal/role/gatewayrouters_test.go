package role

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/gateway/balance"
	"github.com/hachi-serve/hachi/internal/gateway/remote"
	"github.com/hachi-serve/hachi/internal/logtest"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// gatewayBeside is what a gateway knows of routers, in a cluster whose placement is of the
// model fp.
func gatewayBeside(t *testing.T, records ...*hachiv1.RouterRecord) (*clusterRouters, *logtest.Log) {
	t.Helper()
	log := &logtest.Log{}
	c := newClusterRouters(remote.NewPool(), balance.Model{Texts: "texts", Context: 4096}, "/model", log.Logger())
	p, err := moe.NewPlacement(1, "fp", moe.Uniform(1, 1), [][]moe.Replica{{{Node: "node", Addr: "node:1"}}})
	if err != nil {
		t.Fatal(err)
	}
	c.place(p)
	c.update(records)
	return c, log
}

// aRouter is an honest record, with a change.
func aRouter(id string, change func(*hachiv1.RouterRecord)) *hachiv1.RouterRecord {
	r := &hachiv1.RouterRecord{RouterId: id, GrpcAddr: id + ":1", HttpAddr: id + ":2", AckedEpoch: 1, Fingerprint: "fp", Context: 4096, MaxRequests: 100, TextDigest: "texts"}
	change(r)
	return r
}

// TestARouterThatLiesOfItselfChangesNothing: whatever the record of one router says, with a
// right certificate, a gateway that starts beside it serves the same model and accepts the
// same requests as without it, and sends them to the other.
func TestARouterThatLiesOfItselfChangesNothing(t *testing.T) {
	honest := aRouter("honest", func(*hachiv1.RouterRecord) {})
	for name, tt := range map[string]struct {
		lie  func(*hachiv1.RouterRecord)
		says string // in the log; "" is nothing
	}{
		"no context":             {func(r *hachiv1.RouterRecord) { r.Context = 0 }, "sequences of 0 tokens, expected 1 to 4096, as config.json in /model says"},
		"context of one":         {func(r *hachiv1.RouterRecord) { r.Context = 1 }, "sequences of 1 tokens, and this gateway accepts 4096"},
		"less context":           {func(r *hachiv1.RouterRecord) { r.Context = 4095 }, "sequences of 4095 tokens"},
		"more than the model":    {func(r *hachiv1.RouterRecord) { r.Context = 4097 }, "sequences of 4097 tokens, expected 1 to 4096"},
		"absurd context":         {func(r *hachiv1.RouterRecord) { r.Context = math.MaxUint32 }, "sequences of 4294967295 tokens"},
		"another model":          {func(r *hachiv1.RouterRecord) { r.Fingerprint = "aa" }, ""},
		"no model":               {func(r *hachiv1.RouterRecord) { r.Fingerprint = "" }, ""},
		"another model, shorter": {func(r *hachiv1.RouterRecord) { r.Fingerprint, r.Context = "aa", 1 }, ""},
		"other texts":            {func(r *hachiv1.RouterRecord) { r.TextDigest = "other" }, "its tokenizer or chat template differs"},
		"other texts, shorter":   {func(r *hachiv1.RouterRecord) { r.TextDigest, r.Context = "other", 1 }, "its tokenizer or chat template differs"},
		"no address":             {func(r *hachiv1.RouterRecord) { r.GrpcAddr = "" }, ""},
		"it drains":              {func(r *hachiv1.RouterRecord) { r.Draining = true }, ""},
		"no placement":           {func(r *hachiv1.RouterRecord) { r.AckedEpoch = 0 }, ""},
	} {
		liar := aRouter("a-liar", tt.lie)
		c, log := gatewayBeside(t, liar, honest)
		m, ok := c.elect()
		if want := (balance.Model{Fingerprint: "fp", Texts: "texts", Context: 4096}); !ok || m != want {
			t.Errorf("%s: the gateway serves %v, %v, want %v", name, m, ok, want)
		}
		for range 100 { // records come with every change of a load
			c.update([]*hachiv1.RouterRecord{liar, honest})
		}
		if err := c.othersOf(m); err != nil || !c.pool.Ready(m) {
			t.Errorf("%s: %v", name, err)
		}
		text := log.String()
		want := 0
		if tt.says != "" {
			want = 1
		}
		if lines := strings.Count(text, "a router is passed over"); lines != want || !strings.Contains(text, tt.says) || strings.Contains(text, "router=honest") {
			t.Errorf("%s: %d lines, want %d that says %q:\n%s", name, lines, want, tt.says, text)
		}
	}
}

// TestTheModelIsThatOfThePlacement, however many routers say that they serve another.
func TestTheModelIsThatOfThePlacement(t *testing.T) {
	var records []*hachiv1.RouterRecord
	for i := range 5 {
		records = append(records, aRouter(fmt.Sprint("other-", i), func(r *hachiv1.RouterRecord) { r.Fingerprint = "aa" }))
	}
	c, _ := gatewayBeside(t, records...)
	if m, ok := c.elect(); ok {
		t.Errorf("the gateway serves %v, which no coordinator has placed", m)
	}
	c.update(append(records, aRouter("ours", func(*hachiv1.RouterRecord) {})))
	m, ok := c.elect()
	if !ok || m.Fingerprint != "fp" {
		t.Fatalf("the gateway serves %v, %v", m, ok)
	}
	replaced, err := moe.NewPlacement(2, "aa", moe.Uniform(1, 1), [][]moe.Replica{{{Node: "node", Addr: "node:1"}}})
	if err != nil {
		t.Fatal(err)
	}
	c.place(replaced)
	if err := c.othersOf(m); !errors.Is(err, errOtherModel) {
		t.Errorf("beside a router that still says it serves the old model: %v, want %v", err, errOtherModel)
	}
}
