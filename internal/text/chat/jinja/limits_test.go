package jinja

import (
	"errors"
	"strings"
	"sync"
	"testing"
)

func TestRenderingEnds(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for name, source := range map[string]string{
		"loops":     "{% for a in range(10000) %}{% for b in range(10000) %}{{ b }}{% endfor %}{% endfor %}",
		"doubling":  "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
		"repeating": "{{ 'abc' * 1000000000 * 1000000000 }}",
		"lists":     "{{ [1, 2] * 1000000000 }}",
		"replacing": "{{ long.replace('x', long) }}",
		"joining":   "{% for i in range(1000) %}{{ [long, long] | join }}{% endfor %}",
		"macros":    "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
		"callers":   "{% macro m() %}{{ caller() }}{{ caller() }}{% endmacro %}{% macro n() %}{% call m() %}{{ n() }}{% endcall %}{% endmacro %}{{ n() }}",
		"ranges":    "{{ range(100001) | length }}",
		"nesting":   strings.Repeat("{% if 1 %}", 200) + strings.Repeat("{% endif %}", 200),
		"brackets":  "{{ " + strings.Repeat("(", 100_000) + strings.Repeat(")", 100_000) + " }}",
		"nots":      "{{ " + strings.Repeat("not ", 100_000) + "1 }}",
		"signs":     "{{ " + strings.Repeat("-", 100_000) + "1 }}",
		"targets":   "{% set " + strings.Repeat("(", 100_000) + "a" + strings.Repeat(")", 100_000) + " = 1 %}",
		"numbers":   "{{ 9223372036854775807 + 1 }}",
		"products":  "{{ 4294967296 * 4294967296 }}",
		"powers":    "{{ 3 ** 1000000000 }}",
		"digits":    "{{ 99999999999999999999 }}",
	} {
		_, err := render(source, map[string]any{"long": Data(long, 1)})
		var e *Error
		if !errors.As(err, &e) || e.Line != 1 {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if got, err := render("{{ (-1) ** 1000000001 }}{{ -9223372036854775807 - 1 }}{{ 9223372036854775807 }}", nil); err != nil || got.String() != "-1-92233720368547758089223372036854775807" {
		t.Errorf("got %q, %v", got.String(), err)
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	for source, want := range map[string]string{
		"a\nb\n{{ x.y }}":                          "line 3: x is undefined, so it has no y",
		"{#\n#}\n{% if %}":                         "line 3: expected an expression",
		"{% set a = 'x\ny' %}\n{{ 1 + a }}":        "line 3: int + str is not supported",
		"\r\n{{ '' |\nnosuch }}":                   "line 3: the filter nosuch is not supported",
		"{% raw %}\n{% endraw %}{{ 1 is nosuch }}": "line 2: the test nosuch is not supported",
		"\n\n{{ raise_exception('no system') }}":   "no system",
		"{% for a in [1] %}\n{{ a":                 "line 2: a tag is not closed",
	} {
		_, err := render(source, nil)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", source, err, want)
		}
	}
	var e *Error
	if _, err := render("{{ raise_exception('x') }}", nil); !errors.As(err, &e) || !e.Raised {
		t.Errorf("raise_exception gave %#v", err)
	}
}

func TestRenderingLeavesTheTemplateAlone(t *testing.T) {
	parsed, err := Parse("{% set ns = namespace(n=0) %}{% for i in [3, 1, 2] | sort %}{% set ns.n = ns.n * 10 + i %}{% endfor %}{{ ns.n }}{% set x = (x or 0) + 1 %}{{ x }}")
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]any{"y": List{int64(1)}}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				if got, err := parsed.Render(variables, steps); err != nil || got.String() != "1231" {
					t.Errorf("got %q, %v", got.String(), err)
				}
			}
		})
	}
	group.Wait()
	if len(variables) != 1 {
		t.Errorf("variables became %v", variables)
	}
}

func FuzzTemplate(f *testing.F) {
	g, variables := readGoldens(f)
	for _, e := range g.Goldens {
		f.Add(e.Template)
	}
	f.Fuzz(func(t *testing.T, source string) {
		first, err := render(source, variables)
		again, errAgain := render(source, variables)
		if (err == nil) != (errAgain == nil) || err == nil && first.String() != again.String() {
			t.Errorf("%q: %q, %v, then %q, %v", source, first.String(), err, again.String(), errAgain)
		}
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%q: %v", source, err)
		}
	})
}
