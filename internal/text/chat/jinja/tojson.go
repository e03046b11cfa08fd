package jinja

import "strings"

// jsonForm is how tojson lays JSON out, by the rules of Python's json.dumps.
type jsonForm struct {
	line          int
	indent        string // "" is one line
	pretty        bool
	item, colon   string
	ascii, sorted bool
}

// toJSON is tojson as Hugging Face replaces it: nothing is escaped for HTML,
// and characters outside ASCII stay.
func toJSON(c values, v any) Text {
	a := c.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys")
	f := jsonForm{line: c.line, item: ", ", colon: ": "}
	f.ascii = a[0] != nil && truth(*a[0])
	f.sorted = a[3] != nil && truth(*a[3])
	if a[1] != nil && *a[1] != nil {
		f.pretty, f.item = true, ","
		f.indent = strings.Repeat(" ", min(max(c.integer("tojson", a[1], 0), 0), 100))
	}
	if a[2] != nil && *a[2] != nil {
		pair, _ := sequence(*a[2])
		if len(pair) != 2 {
			fail(c.line, "tojson needs two separators")
		}
		f.item, f.colon = str(pair[0]).String(), str(pair[1]).String()
	}
	return f.value(v, "\n")
}

func (f jsonForm) value(v any, newline string) Text {
	if len(newline) > maxDepth*100 {
		fail(f.line, "tojson of a value nested too deep")
	}
	switch v := v.(type) {
	case nil:
		return own("null")
	case bool:
		return own(map[bool]string{true: "true", false: "false"}[v])
	case int64:
		return str(v)
	case float64:
		return own(map[string]string{"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[float(v)] + finite(v))
	case Text:
		return f.text(v)
	case List, Tuple:
		items, _ := sequence(v)
		var parts []Text
		for _, item := range items {
			parts = append(parts, f.value(item, newline+f.indent))
		}
		return f.enclose("[", parts, "]", newline)
	case *Dict:
		keys := v.keys
		if f.sorted {
			keys = make([]Text, 0, len(v.keys))
			for _, k := range sorted(values{line: f.line}, iterate(f.line, v), func(k any) any { return k }, false) {
				keys = append(keys, k.(Text))
			}
		}
		var parts []Text
		for _, k := range keys {
			parts = append(parts, concat(f.text(k), own(f.colon), f.value(v.values[k.String()], newline+f.indent)))
		}
		return f.enclose("{", parts, "}", newline)
	}
	fail(f.line, "tojson of %s is not supported", kindOf(v))
	return nil
}

func finite(v float64) string {
	if v-v != 0 {
		return ""
	}
	return float(v)
}

func (f jsonForm) enclose(open string, parts []Text, end, newline string) Text {
	if len(parts) == 0 {
		return own(open + end)
	}
	if !f.pretty {
		return concat(own(open), own(f.item).join(parts), own(end))
	}
	inner := newline + f.indent
	return concat(own(open+inner), own(f.item+inner).join(parts), own(newline+end))
}

func (f jsonForm) text(t Text) Text {
	out := Text{{Rune: '"'}}
	for _, c := range t {
		out = append(out, f.char(c)...)
	}
	return append(out, Char{Rune: '"'})
}

func (f jsonForm) char(c Char) Text {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}
	switch r := c.Rune; {
	case short[r] != "":
		return Data(short[r], c.From)
	case r < 0x20 || f.ascii && r > 0x7e && r < 0x10000:
		return Data(`\u`+hex(r, 4), c.From)
	case f.ascii && r >= 0x10000:
		r -= 0x10000
		return Data(`\u`+hex(0xd800+r>>10, 4)+`\u`+hex(0xdc00+r&0x3ff, 4), c.From)
	}
	return Text{c}
}
