package schema

import "strings"

// number draws numbers within the bounds of some schemas. Those within bounds
// and multiples have no exponent.
func (c *compiler) number(from Node, parts []*value, fractions bool) Node {
	i, unit := c.interval(parts), c.unit(parts, fractions)
	if i.low == nil && i.high == nil && unit == nil {
		if !fractions {
			return c.anyInteger(from)
		}
		if c.layout != bare {
			return c.anyNumber(from)
		}
	}
	return c.numbers(from, i, unit, fractions)
}

// numbers draws the numbers of an interval.
func (d *drawer) numbers(from Node, i interval, unit *unit, fractions bool) Node {
	to := d.Node()
	d.between(from, i.positive(), unit, fractions, to)
	d.between(d.Literal(from, "-"), i.negative(), unit, fractions, to)
	return to
}

// interval returns the numbers that the bounds and formats of some schemas leave.
func (c *compiler) interval(parts []*value) interval {
	var i interval
	for _, p := range parts {
		i.within(p)
		if f := p.get("format"); f != nil && f.kind == text {
			i.format(f.text)
		}
	}
	return i
}

// format narrows the interval by a format of OpenAPI. Other formats do not
// constrain numbers.
func (i *interval) format(name string) {
	whole := func(low, high string) {
		for _, b := range []struct {
			end  **bound
			text string
			sign int
		}{{&i.low, low, 1}, {&i.high, high, -1}} {
			digits, negative := strings.CutPrefix(b.text, "-")
			limit := &bound{decimal: decimal{whole: strings.TrimLeft(digits, "0"), negative: negative}}
			if *b.end == nil || limit.tighter(*b.end, b.sign) {
				*b.end = limit
			}
		}
	}
	switch name {
	case "int8":
		whole("-128", "127")
	case "int16":
		whole("-32768", "32767")
	case "int32":
		whole("-2147483648", "2147483647")
	case "uint8":
		whole("0", "255")
	case "uint16":
		whole("0", "65535")
	case "uint32":
		whole("0", "4294967295")
	case "uint64", "uint":
		whole("0", "999999999999999999")
	}
}

// between draws the numbers of an interval that is not negative.
func (d *drawer) between(from Node, i interval, unit *unit, fractions bool, to Node) {
	if i.high != nil && i.high.negative {
		return
	}
	low := ends{whole: pad(i.low.whole), bound: i.low}
	high, longest := ends{bound: i.high}, integerDigits
	if fractions {
		longest = numberDigits
	}
	if fractions && unit != nil {
		longest = numberDigits - max(unit.scale, 0)
	}
	if i.high != nil {
		high.whole = pad(i.high.whole)
		longest = min(longest, len(high.whole))
	}
	free := map[freePlace]Node{}
	for n := len(low.whole); n <= longest; n++ {
		w := &writer{drawer: d, low: low, high: high, unit: unit, digits: n, to: to, nodes: map[place]Node{}, free: free}
		if fractions {
			w.maxFraction = numberDigits - n
		}
		if unit != nil {
			w.maxFraction = max(unit.scale, 0)
		}
		at := place{onLow: n == len(low.whole), onHigh: i.high != nil && n == len(high.whole)}
		d.Empty(from, w.at(at))
	}
}

func pad(whole string) string {
	if whole == "" {
		return "0"
	}
	return whole
}

// ends is a bound whose digits before the point are written out.
type ends struct {
	whole string
	*bound
}

// writer draws numbers of a fixed count of digits before the point, from left
// to right. As long as a number begins like a bound, the bound decides which
// digits may follow; after that all may.
type writer struct {
	*drawer
	low, high   ends
	unit        *unit
	digits      int // before the point
	maxFraction int // digits after the point
	to          Node
	nodes       map[place]Node
	free        map[freePlace]Node // shared by the writers of an interval
}

// place is how far a number is written, and whether it is a bound so far.
type place struct {
	digit         int // the next one, counted from the left; the point is none
	onLow, onHigh bool
	remainder     int  // of the digits so far, see unit
	zero          bool // the last digit is a 0 behind the point, of a bare number
}

// freePlace is a place of a multiple that is no bound any more: what may follow
// does not depend on how long the number is.
type freePlace struct {
	after, remainder int
	zero             bool
}

// at returns the node of a place.
func (w *writer) at(p place) Node {
	if w.unit != nil && p.digit > 0 && !p.onLow && !p.onHigh {
		key := freePlace{p.digit - w.digits, p.remainder, p.zero}
		n, ok := w.free[key]
		if !ok {
			n = w.Node()
			w.free[key] = n
			w.follow(n, p)
		}
		return n
	}
	n, ok := w.nodes[p]
	if !ok {
		n = w.Node()
		w.nodes[p] = n
		w.follow(n, p)
	}
	return n
}

// follow draws what may follow a place.
func (w *writer) follow(n Node, p place) {
	next, after := n, p.digit-w.digits
	if after >= 0 {
		if w.ends(p, after) {
			w.Empty(n, w.to)
		}
		if after == w.maxFraction {
			return
		}
		if after == 0 {
			next = w.Literal(n, ".")
		}
	}
	low, high := byte('0'), byte('9')
	if p.digit == 0 && w.digits > 1 {
		low = '1'
	}
	if p.onLow {
		low = w.low.digit(p.digit, w.digits)
	}
	if p.onHigh {
		high = w.high.digit(p.digit, w.digits)
	}
	for d := low; d <= high && !w.Full(); d++ {
		if remainder, ok := w.unit.next(p.remainder, d, after); ok {
			w.Byte(next, d, d, w.at(place{p.digit + 1, p.onLow && d == low, p.onHigh && d == high, remainder, w.layout == bare && after >= 0 && d == '0'}))
		}
	}
}

// digit returns a digit of a bound.
func (e ends) digit(i, digits int) byte {
	if i < digits {
		return e.whole[i]
	}
	if i -= digits; i < len(e.fraction) {
		return e.fraction[i]
	}
	return '0'
}

// ends reports whether a number may end after this many digits behind the point.
func (w *writer) ends(p place, after int) bool {
	low := !p.onLow || after >= len(w.low.fraction) && !w.low.open
	high := !p.onHigh || after < len(w.high.fraction) || !w.high.open
	return low && high && !p.zero && w.unit.ends(p.remainder, after)
}
