package schema

import "math/big"

// maxUnit bounds the remainders that distinguish multiples.
const maxUnit = 2048

// unit is a number of which others are multiples: n * 10^-scale, where n is no
// multiple of ten. nil is no condition.
type unit struct {
	n     int
	scale int // digits after the point; negative: zeros before it
}

// unit returns the least common multiple of the multipleOf of some schemas, and of
// 1 if fractions are not wanted.
func (c *compiler) unit(parts []*value, fractions bool) *unit {
	var all *big.Rat
	var at *value
	for _, p := range parts {
		v := p.get("multipleOf")
		if v == nil {
			continue
		}
		d, err := parseDecimal(v)
		if err != nil || d.negative || d == (decimal{}) {
			continue // noted by shape
		}
		at, all = v, commonMultiple(all, d.rat())
	}
	if all == nil {
		return nil
	}
	if !fractions {
		all = commonMultiple(all, big.NewRat(1, 1))
	}
	u, n, ten := unit{}, new(big.Rat).Set(all), big.NewRat(10, 1)
	for !n.IsInt() {
		n.Mul(n, ten)
		u.scale++
	}
	for {
		less := new(big.Rat).Quo(n, ten)
		if !less.IsInt() {
			break
		}
		n = less
		u.scale--
	}
	if n.Cmp(big.NewRat(maxUnit, 1)) > 0 {
		c.fault(at, "multipleOf %s: the limit is %d, not counting zeros at the end", all.RatString(), maxUnit)
		return &unit{n: 1}
	}
	u.n = int(n.Num().Int64())
	return &u
}

// commonMultiple of two positive rationals; nil is no number.
func commonMultiple(a, b *big.Rat) *big.Rat {
	if a == nil {
		return b
	}
	// a = x/d and b = y/d have the multiple lcm(x, y)/d.
	x := new(big.Int).Mul(a.Num(), b.Denom())
	y := new(big.Int).Mul(b.Num(), a.Denom())
	d := new(big.Int).Mul(a.Denom(), b.Denom())
	gcd := new(big.Int).GCD(nil, nil, x, y)
	return new(big.Rat).SetFrac(x.Mul(x, y).Quo(x, gcd), d)
}

// rat returns the value of a decimal.
func (d decimal) rat() *big.Rat {
	r, _ := new(big.Rat).SetString("0" + d.whole + "." + d.fraction + "0")
	if d.negative {
		r.Neg(r)
	}
	return r
}

// rat returns the unit, 1 where there is no condition.
func (u *unit) rat() *big.Rat {
	if u == nil {
		return big.NewRat(1, 1)
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(u.scale, -u.scale))), nil)
	if u.scale > 0 {
		return new(big.Rat).SetFrac(big.NewInt(int64(u.n)), power)
	}
	return new(big.Rat).SetInt(power.Mul(power, big.NewInt(int64(u.n))))
}

// divides reports whether a number is a multiple.
func (u *unit) divides(d decimal) bool {
	return u == nil || new(big.Rat).Quo(d.rat(), u.rat()).IsInt()
}

// next returns the remainder of a number after one more digit, which stands at a
// place counted from the point: -1 before it, 0 after it. It is false where no
// multiple has such a digit.
func (u *unit) next(remainder int, digit byte, place int) (int, bool) {
	if u == nil {
		return 0, true
	}
	if place >= u.scale {
		return remainder, digit == '0'
	}
	return (remainder*10 + int(digit-'0')) % u.n, true
}

// ends reports whether a number may end before a place.
func (u *unit) ends(remainder, place int) bool {
	if u == nil {
		return true
	}
	for ; place < u.scale; place++ {
		remainder = remainder * 10 % u.n
	}
	return remainder == 0
}
