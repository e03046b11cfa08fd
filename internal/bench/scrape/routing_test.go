package scrape

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
)

// routersOf are servers with metrics.
func routersOf(t *testing.T, texts ...string) (urls []string) {
	t.Helper()
	for _, text := range texts {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
		t.Cleanup(s.Close)
		urls = append(urls, s.URL)
	}
	return urls
}

func row(layer, expert, rows int) string {
	return fmt.Sprintf("hachi_expert_rows_total{expert=\"%d\",layer=\"%d\"} %d\n", expert, layer, rows)
}

// TestRoutingIsThatOfAllRouters, less what was before; a dense layer is empty.
func TestRoutingIsThatOfAllRouters(t *testing.T) {
	a := "other 1\n" + row(0, 0, 5) + row(0, 1, 6) + row(2, 0, 7) + row(2, 1, 0)
	b := row(0, 0, 1) + row(0, 1, 1) + row(2, 0, 1) + row(2, 1, 1)
	urls := routersOf(t, a, b)
	got, err := ReadRouting(t.Context(), http.DefaultClient, urls)
	if want := (Routing{{6, 7}, nil, {8, 1}}); err != nil || !reflect.DeepEqual(got, Routing{want[0], {}, want[2]}) {
		t.Fatalf("%v, %v, want %v", got, err, want)
	}
	since, err := got.Since(Routing{{6, 0}, {}, {1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := since.Write(&out); err != nil {
		t.Fatal(err)
	}
	if want := "[[0,7],\n [],\n [7,0]]\n"; out.String() != want || !json.Valid(out.Bytes()) {
		t.Errorf("%q, want %q", &out, want)
	}
}

func TestFaultsOfRoutingAreNamed(t *testing.T) {
	for want, texts := range map[string][]string{
		"no hachi_expert_rows_total":    {"x 1\n"},
		"without --metrics-top-experts": {row(0, 0, 1) + row(0, 2, 1)},
		"want routers of one model":     {row(0, 0, 1), row(0, 0, 1) + row(1, 0, 1)},
		"below 65536":                   {row(70000, 0, 1)},
	} {
		if _, err := ReadRouting(t.Context(), http.DefaultClient, routersOf(t, texts...)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for want, before := range map[string]Routing{"has started again": {{2, 0}}, "no expert had a row": {{1, 1}}, "1 experts, 2 before": nil} {
		now := Routing{{1, 1}}
		if before == nil {
			now, before = Routing{{1}}, Routing{{1, 1}}
		}
		if _, err := now.Since(before); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
