package jinja

// maxRange bounds range(), as Jinja's sandbox does.
const maxRange = 100000

// globals are the functions of a template that depend on nothing outside it.
var globals = map[string]function{
	"range": func(s *state, c values) any {
		from, to, step := int64(0), int64(0), int64(1)
		bound := []*int64{&to}
		if len(c.positional) > 1 {
			bound = []*int64{&from, &to, &step}
		}
		if n := len(c.positional); n == 0 || n > 3 || len(c.named) > 0 {
			fail(c.line, "range takes one to three numbers")
		}
		for i, v := range c.positional {
			n, _, isInt, _ := number(v)
			if !isInt {
				fail(c.line, "range of %s, expected numbers", kindOf(v))
			}
			*bound[i] = n
		}
		if step == 0 {
			fail(c.line, "the step of a range is 0")
		}
		out := List{}
		for at := from; step > 0 && at < to || step < 0 && at > to; {
			if len(out) == maxRange {
				fail(c.line, "a range of more than %d", maxRange)
			}
			out = append(out, at)
			if next := at + step; (next > at) == (step > 0) {
				at = next
			} else {
				break
			}
		}
		s.spend(c.line, len(out))
		return out
	},
	"namespace": func(_ *state, c values) any {
		n := &namespace{map[string]any{}}
		for k, v := range dict("namespace", c).values {
			n.attributes[k] = v
		}
		return n
	},
	"dict": func(_ *state, c values) any { return dict("dict", c) },
	"raise_exception": func(_ *state, c values) any {
		message := c.bind("raise_exception", "message!")[0]
		panic(&Error{Line: c.line, Reason: str(*message).String(), Raised: true})
	},
}

// dict makes a mapping of a mapping and names.
func dict(what string, c values) *Dict {
	out := &Dict{}
	if len(c.positional) > 1 {
		fail(c.line, "%s takes not more than one mapping", what)
	}
	for _, v := range c.positional {
		d, ok := v.(*Dict)
		if !ok {
			fail(c.line, "%s of %s, expected a mapping", what, kindOf(v))
		}
		for _, k := range d.keys {
			out.Set(k, d.values[k.String()])
		}
	}
	for _, name := range sortedNames(c.named) {
		out.Set(own(name), c.named[name])
	}
	return out
}
