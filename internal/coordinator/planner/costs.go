package planner

import "math"

// costs are what a copy of an expert costs a node in a step.
//
//	q(e) = rows of e / rows of its layer           the share of an expert
//	x(e) = StepRows * q(e) / copies(e)             rows per step of one copy
//	a(e) = 1 - exp(-x(e))                          chance that a step needs the copy
//	t(e,n) = a(e) * Expert(n) + x(e) * Row(n)      seconds of the copy on node n
//	T(layer,n) = sum of t(e,n) over n's copies     seconds of a node
//	T(step) = sum over layers of max over n of T(layer,n)
//
// A layer waits for its slowest node, and layers run one after another. t is the
// linear model of an expert node (MegaScale-Infer, arXiv 2504.02263: T_e = k3*b +
// k4), whose constant is paid once for every distinct expert that is active, as in
// a decode bound by memory bandwidth (Janus, arXiv 2512.13525). A small batch
// therefore counts distinct experts, a large one rows. a(e) takes the rows of a
// copy as Poisson distributed.
//
// A plan compares costs in units: the seconds that one expert takes in a layer on
// average, at the mean speed. When StepRows is not known, a(e) is x(e).
type costs struct {
	share []float64 // q(e) times the experts of the layer: the mean is 1
	// Per expert, in units: parts of the cost of one copy that speeds multiply.
	active, rows []float64
	weight       []float64 // of one copy at the mean speed
	// Per node: its speeds, as multiples of the mean. 1 and 1 if none is known.
	fixed, perRow []float64
	meanSpeed     Speed
	seconds       []float64 // of a unit, by layer; 0 when no speed is known
}

// minShare is the share of an expert without rows: an expert without weight would
// be placed without regard to balance.
const minShare = 0.05

// shares turns rows into shares of the mean of a layer. Without measured load every
// expert has the mean.
func (p *placer) shares() {
	p.share = make([]float64, len(p.copies))
	for layer := range p.in.Topology.Layers() {
		sum := 0.0
		first, end := p.bounds(layer)
		if len(p.in.Load) == len(p.copies) {
			for _, rows := range p.in.Load[first:end] {
				sum += rows
			}
		}
		for i := first; i < end; i++ {
			p.share[i] = 1
			if sum > 0 {
				p.share[i] = max(minShare, p.in.Load[i]*float64(end-first)/sum)
			}
		}
	}
}

// weigh computes the parts of the cost of every copy.
func (p *placer) weigh() {
	p.meanSpeed = p.speeds()
	p.active, p.rows, p.weight = make([]float64, len(p.copies)), make([]float64, len(p.copies)), make([]float64, len(p.copies))
	p.seconds = make([]float64, p.in.Topology.Layers())
	for layer := range p.seconds {
		sum := 0.0
		first, end := p.bounds(layer)
		for e := first; e < end; e++ {
			p.weighCopy(e)
			sum += p.weight[e] * float64(max(1, p.want[e]))
		}
		if !p.timed() || first == end {
			continue
		}
		p.seconds[layer] = sum / float64(end-first)
		for e := first; e < end; e++ {
			p.weighCopy(e)
		}
	}
}

// timed reports that costs are known in seconds.
func (p *placer) timed() bool { return p.in.StepRows > 0 && p.meanSpeed.Known() }

// weighCopy computes the cost of a copy: in seconds until the unit of its layer is
// known, in units then.
func (p *placer) weighCopy(e int) {
	perCopy := p.share[e] / float64(max(1, p.want[e]))
	if !p.timed() {
		p.active[e], p.rows[e], p.weight[e] = 0, perCopy, perCopy
		return
	}
	unit := p.seconds[p.layerOf[e]]
	if unit == 0 {
		unit = 1
	}
	x := p.in.StepRows / float64(p.in.Topology.In(p.layerOf[e])) * perCopy
	p.active[e], p.rows[e] = -math.Expm1(-x)*p.meanSpeed.Expert/unit, x*p.meanSpeed.Row/unit
	p.weight[e] = p.active[e] + p.rows[e]
}

// speeds fills in the speeds of the nodes as multiples of their mean, which it
// returns. A node whose speed is not known has the mean of its backend, or of all.
// When the rows of a step are not known, a row and its expert count as one.
func (p *placer) speeds() (mean Speed) {
	all, of := &average{}, map[string]*average{}
	for _, n := range p.nodes {
		if !n.Speed.Known() {
			continue
		}
		if of[n.Backend] == nil {
			of[n.Backend] = &average{}
		}
		all.add(n.Speed)
		of[n.Backend].add(n.Speed)
	}
	mean = all.mean()
	p.fixed, p.perRow = make([]float64, len(p.nodes)), make([]float64, len(p.nodes))
	for i, n := range p.nodes {
		if same := of[n.Backend]; !n.Speed.Known() && same != nil {
			n.Speed = same.mean()
		}
		p.fixed[i], p.perRow[i] = 1, 1
		switch {
		case !n.Speed.Known():
		case p.in.StepRows <= 0:
			p.perRow[i] = (n.Speed.Expert + n.Speed.Row) / (mean.Expert + mean.Row)
		default:
			p.fixed[i], p.perRow[i] = ratio(n.Speed.Expert, mean.Expert), ratio(n.Speed.Row, mean.Row)
		}
	}
	return mean
}

// average is the mean of speeds, the zero Speed of none.
type average struct {
	sum   Speed
	count float64
}

func (a *average) add(s Speed) {
	a.sum.Expert, a.sum.Row, a.count = a.sum.Expert+s.Expert, a.sum.Row+s.Row, a.count+1
}

func (a *average) mean() Speed {
	return Speed{Expert: a.sum.Expert / max(1, a.count), Row: a.sum.Row / max(1, a.count)}
}

// ratio is a/b; 1 if b is 0, where it multiplies nothing.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 1
	}
	return a / b
}

// work is the cost of a copy on a node, in units.
func (p *placer) work(node, expert int) float64 {
	return p.active[expert]*p.fixed[node] + p.rows[expert]*p.perRow[node]
}
