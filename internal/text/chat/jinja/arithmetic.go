package jinja

import (
	"math"
	"math/bits"
)

func (n unary) eval(s *state) any {
	v := n.of.eval(s)
	i, f, isInt, ok := number(v)
	switch {
	case !ok:
		fail(n.line, "%s is no number", kindOf(v))
	case n.op == "+" && isInt:
		return i
	case n.op == "+":
		return f
	case isInt && i == math.MinInt64:
		fail(n.line, "the number does not fit 64 bits")
	case isInt:
		return -i
	}
	return -f
}

func (n binary) eval(s *state) any {
	s.spend(n.line, nodeSteps)
	a, b := n.left.eval(s), n.right.eval(s)
	x, xf, xInt, ok := number(a)
	y, yf, yInt, alsoOK := number(b)
	switch {
	case !ok || !alsoOK:
		return n.sequences(s, a, b)
	case xInt && yInt && n.op != "/":
		return n.integers(x, y)
	}
	return n.floats(xf, yf)
}

// sequences are added, or repeated by a number.
func (n binary) sequences(s *state, a, b any) any {
	switch n.op {
	case "+":
		if x, ok := a.(Text); ok {
			if y, ok := b.(Text); ok {
				s.spend(n.line, len(x)+len(y))
				return concat(x, y)
			}
		}
		x, ok := sequence(a)
		y, alsoOK := sequence(b)
		if ok && alsoOK && kindOf(a) == kindOf(b) {
			s.spend(n.line, len(x)+len(y))
			sum := append(append([]any{}, x...), y...)
			if _, isTuple := a.(Tuple); isTuple {
				return Tuple(sum)
			}
			return List(sum)
		}
	case "*":
		if _, _, isInt, _ := number(a); isInt {
			a, b = b, a
		}
		if times, _, isInt, _ := number(b); isInt {
			return n.repeated(s, a, times)
		}
	}
	fail(n.line, "%s %s %s is not supported", kindOf(a), n.op, kindOf(b))
	return nil
}

func (n binary) repeated(s *state, v any, times int64) any {
	times = max(times, 0)
	length := 0
	items, isList := sequence(v)
	text, isText := v.(Text)
	if length = len(items) + len(text); !isList && !isText {
		fail(n.line, "%s cannot be repeated", kindOf(v))
	}
	if length > 0 && times > int64(s.work/length) {
		s.spend(n.line, s.work+nodeSteps)
	}
	s.spend(n.line, length*int(times))
	if isText {
		var out Text
		for range times {
			out = append(out, text...)
		}
		return out
	}
	out := []any{}
	for range times {
		out = append(out, items...)
	}
	if _, isTuple := v.(Tuple); isTuple {
		return Tuple(out)
	}
	return List(out)
}

func (n binary) integers(x, y int64) any {
	fits := func(ok bool) {
		if !ok {
			fail(n.line, "the number does not fit 64 bits")
		}
	}
	switch n.op {
	case "+":
		sum := x + y
		fits((sum > x) == (y > 0))
		return sum
	case "-":
		difference := x - y
		fits((difference < x) == (y > 0))
		return difference
	case "*":
		return n.product(x, y, fits)
	case "**":
		if y < 0 {
			return n.floats(float64(x), float64(y))
		}
		power := int64(1)
		for range min(y, 64) { // 64 factors are too many, or change nothing
			power = n.product(power, x, fits).(int64)
		}
		if x == -1 && y%2 == 1 {
			power = -1
		}
		return power
	}
	if y == 0 {
		fail(n.line, "division by zero")
	}
	fits(x != math.MinInt64 || y != -1)
	quotient, rest := x/y, x%y
	if rest != 0 && (rest < 0) != (y < 0) { // Python rounds down
		quotient, rest = quotient-1, rest+y
	}
	if n.op == "//" {
		return quotient
	}
	return rest
}

func (n binary) product(x, y int64, fits func(bool)) any {
	abs := func(v int64) uint64 {
		if v < 0 {
			return -uint64(v)
		}
		return uint64(v)
	}
	high, low := bits.Mul64(abs(x), abs(y))
	fits(high == 0 && low <= math.MaxInt64)
	return x * y
}

func (n binary) floats(x, y float64) any {
	switch n.op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return float64(x * y)
	case "**":
		if x < 0 && y != math.Trunc(y) || x == 0 && y < 0 {
			fail(n.line, "the power is no real number")
		}
		return math.Pow(x, y)
	}
	if y == 0 {
		fail(n.line, "division by zero")
	}
	switch n.op {
	case "//":
		return math.Floor(x / y)
	case "%":
		rest := math.Mod(x, y)
		if rest != 0 && (rest < 0) != (y < 0) {
			rest += y
		}
		return rest
	}
	return x / y
}

func (n slice) eval(s *state) any {
	v := n.of.eval(s)
	bound := func(e expr) *int64 {
		if e == nil {
			return nil
		}
		v := e.eval(s)
		if v == nil {
			return nil
		}
		i, _, isInt, _ := number(v)
		if !isInt {
			fail(n.line, "%s is no place in a slice", kindOf(v))
		}
		return &i
	}
	from, to, step := bound(n.from), bound(n.to), bound(n.step)
	switch v := v.(type) {
	case Text:
		places := n.places(len(v), from, to, step)
		s.spend(n.line, len(places)+nodeSteps)
		out := make(Text, len(places))
		for i, at := range places {
			out[i] = v[at]
		}
		return out
	case List, Tuple:
		items, _ := sequence(v)
		places := n.places(len(items), from, to, step)
		s.spend(n.line, len(places)+nodeSteps)
		out := make([]any, len(places))
		for i, at := range places {
			out[i] = items[at]
		}
		if _, isTuple := v.(Tuple); isTuple {
			return Tuple(out)
		}
		return List(out)
	case undefined:
		fail(n.line, "%s is undefined, so it has no slice", v.what)
	}
	return undefined{"the slice of " + kindOf(v)}
}

// places are the indices of a slice, as Python counts them.
func (n slice) places(length int, from, to, step *int64) []int {
	by := int64(1)
	if step != nil {
		by = *step
	}
	if by == 0 {
		fail(n.line, "the step of a slice is 0")
	}
	low, high := int64(0), int64(length)
	if by < 0 {
		low, high = -1, int64(length)-1
	}
	clamp := func(v *int64, otherwise int64) int64 {
		if v == nil {
			return otherwise
		}
		at := *v
		if at < 0 {
			at += int64(length)
		}
		return min(max(at, low), high)
	}
	start, end := clamp(from, low), clamp(to, high)
	if by < 0 {
		start, end = clamp(from, high), clamp(to, low)
	}
	var out []int
	for at := start; by > 0 && at < end || by < 0 && at > end; {
		out = append(out, int(at))
		if by > int64(length) || by < -int64(length) {
			break // one step leaves the sequence; adding it might overflow
		}
		at += by
	}
	return out
}
