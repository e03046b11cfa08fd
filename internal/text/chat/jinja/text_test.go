package jinja

import (
	"strings"
	"testing"
)

// marked writes a text with the characters of users in braces.
func marked(t Text) string {
	var s strings.Builder
	from := int32(FromTemplate)
	for _, c := range append(t, Char{}) {
		if c.From != from && from != FromTemplate {
			s.WriteByte('}')
		}
		if c.From != from && c.From != FromTemplate {
			s.WriteByte('{')
		}
		if from = c.From; c.Rune != 0 {
			s.WriteRune(c.Rune)
		}
	}
	return s.String()
}

// Whatever a template does with a text, its characters stay the user's.
func TestTextRemembersWhoWroteIt(t *testing.T) {
	variables := map[string]any{
		"u": Data(" Ab,c\n", 1), "v": Data("xy", 2), "name": Data("u", 1), "d": Object("k", Data("val", 3)), "l": List{Data("p", 1), Data("q", 2)},
	}
	for source, want := range map[string]string{
		"<s>{{ u }}</s>":                                         "<s>{ Ab,c\n}</s>",
		"{{ '<s>' + u + '</s>' }}":                               "<s>{ Ab,c\n}</s>",
		"{{ '<s>' ~ v ~ 1 }}":                                    "<s>{xy}1",
		"{{ u.strip() }}{{ u | trim }}":                          "{Ab,cAb,c}",
		"{{ u.strip().upper() }}":                                "{AB,C}",
		"{{ u | trim | lower | title }}":                         "{Ab,c}",
		"{{ u.strip().split(',') | join('+') }}":                 "{Ab}+{c}",
		"{{ '+'.join(u.strip().split(',')) }}":                   "{Ab}+{c}",
		"{{ u.strip().replace('b', '<b>') }}":                    "{A}<b>{,c}",
		"{{ u.strip()[1:3] }}{{ v[::-1] }}":                      "{b,}{yx}",
		"{{ v * 2 }}{{ v[0] }}{{ v | reverse }}":                 "{xyxyxyx}",
		"{% set x %}a{{ v }}b{% endset %}{{ x }}":                "a{xy}b",
		"{% macro m(a) %}[{{ a }}]{% endmacro %}{{ m(v) }}":      "[{xy}]",
		"{% for c in v %}{{ c }}.{% endfor %}":                   "{x}.{y}.",
		"{{ d.k }}{{ d['k'] }}{{ d.get('k') }}":                  "{valvalval}",
		"{% for k, w in d.items() %}{{ k }}={{ w }}{% endfor %}": "k={val}",
		"{{ l | map('upper') | join }}":                          "{P}{Q}",
		"{{ l }}":                                                "['{p}', '{q}']",
		"{{ d | tojson }}":                                       `{"k": "{val}"}`,
		"{{ u | tojson }}":                                       `"{ Ab,c\n}"`,
		"{{ (u ~ '\n' ~ v) | indent(1) }}":                       "{ Ab,c}\n\n {xy}",
		"{{ v | length }}{{ 7 }}{{ v == 'xy' }}":                 "27True",
		"{{ [v, u] | first }}{{ {'a': v}.a }}":                   "{xyxy}",
		"{{ v if v else u }}{{ none or v }}":                     "{xyxy}",
		"{% filter upper %}a{{ v }}{% endfilter %}":              "A{XY}",
	} {
		got, err := render(source, variables)
		if err != nil || marked(got) != want {
			t.Errorf("%q: got %q, %v, want %q", source, marked(got), err, want)
		}
	}
}
