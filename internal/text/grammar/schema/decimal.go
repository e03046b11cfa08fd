package schema

import (
	"errors"
	"strconv"
	"strings"
)

// decimal is an exact number: digits before and after the point, without zeros
// at the outer ends. Zero has no digits and no sign.
type decimal struct {
	negative        bool
	whole, fraction string
}

// Bounds of the digits of a decimal.
const (
	maxExponent = 400
	maxFraction = 17
)

// parseDecimal reads a JSON number.
func parseDecimal(v *value) (decimal, error) {
	var d decimal
	if v.kind != number || len(v.text) > maxExponent {
		return d, errors.New("not a number of a reasonable size")
	}
	digits, negative := strings.CutPrefix(v.text, "-")
	shift := 0
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		n, err := strconv.Atoi(digits[i+1:])
		if err != nil || n < -maxExponent || n > maxExponent {
			return d, errors.New("the exponent is too large")
		}
		digits, shift = digits[:i], n
	}
	d.whole, d.fraction, _ = strings.Cut(digits, ".")
	if shift > 0 {
		d.fraction += strings.Repeat("0", max(0, shift-len(d.fraction)))
		d.whole, d.fraction = d.whole+d.fraction[:shift], d.fraction[shift:]
	} else if shift < 0 {
		d.whole = strings.Repeat("0", max(0, -shift-len(d.whole))) + d.whole
		cut := len(d.whole) + shift
		d.whole, d.fraction = d.whole[:cut], d.whole[cut:]+d.fraction
	}
	d.whole, d.fraction = strings.TrimLeft(d.whole, "0"), strings.TrimRight(d.fraction, "0")
	if len(d.fraction) > maxFraction {
		return d, errors.New("too many digits after the point")
	}
	d.negative = negative && d != decimal{}
	return d, nil
}

// minus returns -d.
func (d decimal) minus() decimal {
	d.negative = !d.negative && d != decimal{}
	return d
}

// compare returns the sign of d - o.
func (d decimal) compare(o decimal) int {
	switch {
	case d.negative && !o.negative:
		return -1
	case !d.negative && o.negative:
		return 1
	case d.negative:
		return o.minus().compare(d.minus())
	case len(d.whole) != len(o.whole):
		if len(d.whole) < len(o.whole) {
			return -1
		}
		return 1
	case d.whole != o.whole:
		return strings.Compare(d.whole, o.whole)
	}
	return strings.Compare(d.fraction, o.fraction)
}

// bound is an end of an interval.
type bound struct {
	decimal
	open bool // the number itself is outside
}

// interval is the numbers between two bounds; nil is no bound.
type interval struct {
	low, high *bound
}

// within narrows the interval by the bounds of a schema.
func (i *interval) within(v *value) {
	for _, name := range []string{"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"} {
		limit := v.get(name)
		if limit == nil {
			continue
		}
		d, err := parseDecimal(limit)
		if err != nil {
			continue // noted by shape
		}
		b := &bound{d, strings.HasPrefix(name, "exclusive")}
		if v.get("exclusive" + strings.ToUpper(name[:1]) + name[1:]).is(true) {
			b.open = true // as in draft 4 and OpenAPI 3.0
		}
		if strings.HasSuffix(name, "inimum") {
			if i.low == nil || b.tighter(i.low, 1) {
				i.low = b
			}
		} else if i.high == nil || b.tighter(i.high, -1) {
			i.high = b
		}
	}
}

// tighter compares two lower bounds (sign 1) or two upper ones (sign -1).
func (b *bound) tighter(o *bound, sign int) bool {
	c := b.compare(o.decimal) * sign
	return c > 0 || c == 0 && b.open
}

// has reports whether a number is in the interval.
func (i *interval) has(d decimal) bool {
	if i.low != nil {
		if c := d.compare(i.low.decimal); c < 0 || c == 0 && i.low.open {
			return false
		}
	}
	if i.high != nil {
		if c := d.compare(i.high.decimal); c > 0 || c == 0 && i.high.open {
			return false
		}
	}
	return true
}

// positive is the part of the interval above zero, with zero when it has it.
func (i *interval) positive() interval {
	p := *i
	if p.low == nil || p.low.negative {
		p.low = &bound{}
	}
	return p
}

// negative is the part of the interval below zero, mirrored.
func (i *interval) negative() interval {
	var p interval
	if i.high != nil {
		p.low = &bound{i.high.minus(), i.high.open}
	}
	if i.low != nil {
		p.high = &bound{i.low.minus(), i.low.open}
	}
	if p.low == nil || p.low.negative || p.low.decimal == (decimal{}) {
		p.low = &bound{open: true}
	}
	return p
}
