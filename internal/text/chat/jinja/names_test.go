package jinja

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestReadsVariablesOfTheCaller, and no name that is a filter, a test, an attribute, a
// tag, or always the template's own.
func TestReadsVariablesOfTheCaller(t *testing.T) {
	for source, want := range map[string]string{
		"{{ a | default(b) | upper }}":       "a b",
		"{{ a is defined and b is string }}": "a b",
		"{{ a.b['c'].d(e=f) }}":              "a f",
		"{% for m in ms if m.x %}{{ m }}{{ loop.index }}{% else %}{{ m }}{% endfor %}":                    "m ms",
		"{% for m in ms %}{% set x = m %}{% endfor %}{{ x }}":                                             "ms x",
		"{% set x = x or 1 %}{{ x }}":                                                                     "x",
		"{% set x = 1 %}{{ x }}{% set y %}{{ z }}{% endset %}{{ y }}":                                     "z",
		"{% set ns = namespace(a=1) %}{% set ns.b = 2 %}{{ ns.b }}":                                       "namespace",
		"{% if a %}{% set x = 1 %}{% endif %}{{ x }}":                                                     "a x",
		"{% if a %}{% set x = 1 %}{% else %}{% set x = 2 %}{% endif %}{{ x }}":                            "a",
		"{% if a %}{% set x = 1 %}{% elif b %}{% set x = 3 %}{% else %}{% set x = 2 %}{% endif %}{{ x }}": "a b",
		"{% if a %}{% set x = 1 %}{% elif b %}{% set x = 3 %}{% endif %}{{ x }}":                          "a b x",
		"{% macro f(x, y=z) %}{{ x }}{{ y }}{{ w }}{% endmacro %}{{ f(1) }}{{ y }}":                       "w y z",
		"{% with x = 1, y = z %}{{ x }}{{ y }}{% endwith %}{{ x }}":                                       "x z",
		"{% generation %}{% set x = 1 %}{% endgeneration %}{{ x }}":                                       "x",
		"{% filter upper %}{{ x }}{% endfilter %}":                                                        "x",
		"{% set a, b = c %}{{ a }}{{ b }}":                                                                "c",
		"{{ true }}{{ None }}{{ not x }}":                                                                 "x",
	} {
		parsed, err := Parse(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if got := strings.Join(slices.Sorted(maps.Keys(parsed.read)), " "); got != want {
			t.Errorf("%s reads %q, want %q", source, got, want)
		}
	}
}
