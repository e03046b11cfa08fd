package automaton

// Node is a point in the drawing of a rule.
type Node int32

// None is no node: what starts at None leads to None and draws nothing, so that
// text that cannot exist needs no special case.
const None Node = -1

// Rule names an automaton that others call.
type Rule int32

// Builder draws rules. When the drawing outgrows its limit it stops growing and
// Full reports it; Build then fails.
type Builder struct {
	nodes   []node
	rules   []drawing
	classes map[string]Rule // called by Runes
	room    int             // nodes and transitions that may still be drawn
}

type node struct {
	empty []Node
	bytes []byteEdge
	calls []callEdge
}

type byteEdge struct {
	lo, hi byte
	to     Node
}

type callEdge struct {
	rule Rule
	to   Node
}

type drawing struct {
	name       string // for errors
	start, end Node
	role       role
	item       Rule // of a list
	least      int  // texts of an item
}

// NewBuilder returns an empty drawing of at most size nodes and transitions.
func NewBuilder(size int) *Builder {
	return &Builder{room: size, classes: map[string]Rule{}}
}

// Full reports that the drawing has outgrown its limit.
func (b *Builder) Full() bool { return b.room <= 0 }

// Node adds a node without transitions.
func (b *Builder) Node() Node {
	if b.room--; b.Full() && len(b.nodes) > 0 {
		return 0
	}
	b.nodes = append(b.nodes, node{})
	return Node(len(b.nodes) - 1)
}

// edge takes room for a transition between two nodes.
func (b *Builder) edge(from, to Node) bool {
	if from == None || to == None || b.Full() {
		return false
	}
	b.room--
	return true
}

// Empty joins two nodes: nothing is read.
func (b *Builder) Empty(from, to Node) {
	if b.edge(from, to) {
		b.nodes[from].empty = append(b.nodes[from].empty, to)
	}
}

// Byte joins two nodes: one byte of lo to hi is read.
func (b *Builder) Byte(from Node, lo, hi byte, to Node) {
	if b.edge(from, to) {
		b.nodes[from].bytes = append(b.nodes[from].bytes, byteEdge{lo, hi, to})
	}
}

// Call joins two nodes: what the rule recognizes is read.
func (b *Builder) Call(from Node, r Rule, to Node) {
	if b.edge(from, to) {
		b.nodes[from].calls = append(b.nodes[from].calls, callEdge{r, to})
	}
}

// Literal reads text and returns where it ends.
func (b *Builder) Literal(from Node, text string) Node {
	if from == None {
		return None
	}
	for i := range len(text) {
		to := b.Node()
		b.Byte(from, text[i], text[i], to)
		from = to
	}
	return from
}

// Rule adds a rule without a body. Its name is for errors.
func (b *Builder) Rule(name string) Rule {
	b.rules = append(b.rules, drawing{name: name, start: b.Node(), end: b.Node()})
	return Rule(len(b.rules) - 1)
}

// Body returns where a rule starts and ends.
func (b *Builder) Body(r Rule) (start, end Node) { return b.rules[r].start, b.rules[r].end }
