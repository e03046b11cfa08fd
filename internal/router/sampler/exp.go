package sampler

import "math"

// Our own exp and log: those of package math differ between architectures in
// the last bits, and a draw at the edge would differ with them. Every product
// is rounded before it is added (float64(a*b) + c), so that no compiler fuses
// them.

const (
	ln2Hi   = 6.93147180369123816490e-01 // its last 32 bits are 0: n*ln2Hi is exact
	ln2Lo   = 1.90821492927058770002e-10
	ln2     = ln2Hi + ln2Lo
	expBits = 6
	expStep = 1 << expBits
)

// powers are 2^(i/64).
var powers = makePowers()

func makePowers() (t [expStep]float64) {
	for i := range t {
		x, sum, term := float64(i)*(ln2/expStep), 1.0, 1.0
		for k := 1; k < 24; k++ {
			term = float64(term*x) / float64(k)
			sum += term
		}
		t[i] = sum
	}
	return t
}

// exp is e^x for x <= 0, within 1e-13 of its value; 0 below -708. Source:
// Tang, "Table-driven implementation of the exponential function" (1989).
func exp(x float64) float64 {
	if !(x > -708) {
		return 0
	}
	const magic = 3 << 51 // adding it rounds to an integer, into the low bits
	n := float64(x*(expStep/ln2)) + magic
	k := math.Float64bits(n)
	n -= magic
	r := x - float64(n*(ln2Hi/expStep)) - float64(n*(ln2Lo/expStep))
	p := float64(r*(1.0/24)) + 1.0/6
	p = float64(p*r) + 0.5
	p = float64(p*r) + 1
	p = float64(p*r) + 1
	scale := math.Float64frombits((k>>expBits + 1023) << 52)
	return float64(p*powers[k&(expStep-1)]) * scale
}

// log is the natural logarithm of a positive, normal x.
func log(x float64) float64 {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, e = m*2, e-1
	}
	s := (m - 1) / (m + 1)
	s2, sum := float64(s*s), 0.0
	for k := 23; k >= 1; k -= 2 {
		sum = float64(sum*s2) + 1/float64(k)
	}
	return float64(float64(e)*ln2Lo) + float64(2*s*sum) + float64(float64(e)*ln2Hi)
}
