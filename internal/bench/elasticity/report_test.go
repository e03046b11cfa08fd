package elasticity

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/local"
)

func TestTheFigureIsXMLAndNamesEveryPhase(t *testing.T) {
	for name, r := range map[string]Report{
		"empty": {},
		"whole": {
			Seconds: 3.5, Rates: []int{4, 0, 9, 2}, Serving: []Serving{{0, 2}, {1.2, 3}},
			Phases: []Phase{{Name: "2 to 3 nodes"}, {Name: "restart of every router", From: 2}},
		},
	} {
		var out bytes.Buffer
		if err := r.WriteFigure(&out); err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Phases {
			if !strings.Contains(out.String(), p.Name) {
				t.Errorf("%s: no %q", name, p.Name)
			}
		}
		for d := xml.NewDecoder(&out); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

func TestPartsAreCountedBySecond(t *testing.T) {
	began := time.Unix(100, 0)
	m := &measurement{began: began, clients: &clients{arrivals: []time.Time{began, began.Add(900 * time.Millisecond), began.Add(2100 * time.Millisecond)}}}
	r := m.report()
	if len(r.Rates) != 3 || r.Rates[0] != 2 || r.Rates[1] != 0 || r.Rates[2] != 1 || r.Seconds != 2.1 {
		t.Errorf("%v in %v s", r.Rates, r.Seconds)
	}
}

func TestEveryFaultOfAConfigurationIsNamed(t *testing.T) {
	c := Config{Up: local.DefaultUp(), Most: 2, Final: 0}
	err := c.Validate()
	for _, want := range []string{"most in the middle", "replicas", "clients"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
}
