package jinja

import "unicode"

// textMethods are Python's methods of str that templates use.
var textMethods = map[string]func(t Text, s *state, c values) any{
	"strip":  func(t Text, _ *state, c values) any { return t.trim(c.charset("strip"), true, true) },
	"lstrip": func(t Text, _ *state, c values) any { return t.trim(c.charset("lstrip"), true, false) },
	"rstrip": func(t Text, _ *state, c values) any { return t.trim(c.charset("rstrip"), false, true) },
	"upper":  func(t Text, _ *state, _ values) any { return t.upper() },
	"lower":  func(t Text, _ *state, _ values) any { return t.lower() },
	"title": func(t Text, _ *state, _ values) any {
		return t.title(func(r rune) bool { return !unicode.IsLetter(r) })
	},
	"capitalize": func(t Text, _ *state, _ values) any { return t.capitalize() },
	"startswith": func(t Text, _ *state, c values) any { return c.anyOf("startswith", t.hasPrefix) },
	"endswith":   func(t Text, _ *state, c values) any { return c.anyOf("endswith", t.hasSuffix) },
	"find": func(t Text, _ *state, c values) any {
		return int64(t.index(c.text("find", *c.bind("find", "sub!")[0]), 0))
	},
	"rfind": func(t Text, _ *state, c values) any {
		return int64(t.lastIndex(c.text("rfind", *c.bind("rfind", "sub!")[0])))
	},
	"count": func(t Text, _ *state, c values) any {
		return int64(len(t.split(nonEmpty(c, c.text("count", *c.bind("count", "sub!")[0])), -1)) - 1)
	},
	"replace": func(t Text, s *state, c values) any {
		a := c.bind("replace", "old!", "new!", "count")
		return replaced(s, c, t, c.text("replace", *a[0]), c.text("replace", *a[1]), a[2])
	},
	"split": func(t Text, s *state, c values) any {
		sep, limit := c.splitting("split")
		s.spend(c.line, len(t)+nodeSteps)
		return texts(t.split(sep, limit))
	},
	"rsplit": func(t Text, s *state, c values) any {
		sep, limit := c.splitting("rsplit")
		if sep == nil {
			fail(c.line, "rsplit at white space is not supported")
		}
		s.spend(c.line, len(t)+nodeSteps)
		return texts(t.rsplit(sep, limit))
	},
	"splitlines": func(t Text, s *state, c values) any {
		c.bind("splitlines")
		s.spend(c.line, len(t)+nodeSteps)
		return texts(t.lines())
	},
	"join": func(t Text, s *state, c values) any {
		return joined(s, c, *c.bind("join", "iterable!")[0], t, true)
	},
	"removeprefix": func(t Text, _ *state, c values) any {
		if p := c.text("removeprefix", *c.bind("removeprefix", "prefix!")[0]); t.hasPrefix(p) {
			return t[len(p):]
		}
		return t
	},
	"removesuffix": func(t Text, _ *state, c values) any {
		if p := c.text("removesuffix", *c.bind("removesuffix", "suffix!")[0]); t.hasSuffix(p) {
			return t[:len(t)-len(p)]
		}
		return t
	},
	"isdigit": func(t Text, _ *state, _ values) any { return t.all(unicode.IsDigit) },
	"isalpha": func(t Text, _ *state, _ values) any { return t.all(unicode.IsLetter) },
	"isalnum": func(t Text, _ *state, _ values) any {
		return t.all(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
	},
	"isspace": func(t Text, _ *state, _ values) any { return t.all(isSpace) },
	"isupper": func(t Text, _ *state, _ values) any { return cased(t, unicode.IsLower, unicode.IsUpper) },
	"islower": func(t Text, _ *state, _ values) any { return cased(t, unicode.IsUpper, unicode.IsLower) },
}

// dictMethods are Python's methods of dict that change nothing.
var dictMethods = map[string]func(d *Dict, c values) any{
	"items":  func(d *Dict, _ values) any { return d.items() },
	"keys":   func(d *Dict, c values) any { return List(iterate(c.line, d)) },
	"values": func(d *Dict, _ values) any { return d.list() },
	"get": func(d *Dict, c values) any {
		a := c.bind("get", "key!", "default")
		if key, ok := (*a[0]).(Text); ok {
			if v, ok := d.values[key.String()]; ok {
				return v
			}
		}
		if a[1] != nil {
			return *a[1]
		}
		return nil
	},
}

func (d *Dict) items() List {
	out := List{}
	for _, k := range d.keys {
		out = append(out, Tuple{k, d.values[k.String()]})
	}
	return out
}

func (d *Dict) list() List {
	out := List{}
	for _, k := range d.keys {
		out = append(out, d.values[k.String()])
	}
	return out
}

func (t Text) all(f func(rune) bool) bool {
	for _, c := range t {
		if !f(c.Rune) {
			return false
		}
	}
	return len(t) > 0
}

func texts(parts []Text) List {
	out := make(List, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return out
}

// text is an argument that must be one.
func (c values) text(what string, v any) Text {
	t, ok := v.(Text)
	if !ok {
		fail(c.line, "%s of %s, expected a str", what, kindOf(v))
	}
	return t
}

// integer is an optional argument that must be one.
func (c values) integer(what string, v *any, otherwise int) int {
	if v == nil {
		return otherwise
	}
	n, _, isInt, _ := number(*v)
	if !isInt || n != int64(int32(n)) {
		fail(c.line, "%s of %s, expected a small integer", what, kindOf(*v))
	}
	return int(n)
}

// charset is what to strip; nil is white space.
func (c values) charset(what string) Text {
	a := c.bind(what, "chars")
	if a[0] == nil || *a[0] == nil {
		return nil
	}
	return append(Text{}, c.text(what, *a[0])...)
}

func (c values) splitting(what string) (sep Text, limit int) {
	a := c.bind(what, "sep", "maxsplit")
	limit = c.integer(what, a[1], -1)
	if a[0] == nil || *a[0] == nil {
		return nil, limit
	}
	return nonEmpty(c, c.text(what, *a[0])), limit
}

func nonEmpty(c values, sep Text) Text {
	if len(sep) == 0 {
		fail(c.line, "the separator is empty")
	}
	return sep
}

// anyOf tries one text, or each of a tuple.
func (c values) anyOf(what string, f func(Text) bool) bool {
	v := *c.bind(what, "text!")[0]
	if options, ok := v.(Tuple); ok {
		for _, o := range options {
			if f(c.text(what, o)) {
				return true
			}
		}
		return false
	}
	return f(c.text(what, v))
}

// replaced bounds what a replacement may grow to.
func replaced(s *state, c values, t, old, by Text, count *any) Text {
	s.spend(c.line, len(t)+nodeSteps)
	if times := len(t)/max(len(old), 1) + 1; len(by) > 0 && times > s.work/len(by) {
		fail(c.line, "a replacement might grow too large")
	}
	out := t.replace(old, by, c.integer("replace", count, -1))
	s.spend(c.line, len(out))
	return out
}
