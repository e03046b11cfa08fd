package jinja

// expr is a node that has a value, stmt one that writes.
type expr interface{ eval(s *state) any }

type stmt interface{ exec(s *state) flow }

// flow is how a body ends: normally, by break or by continue.
type flow uint8

const (
	onward flow = iota
	breakLoop
	continueLoop
)

type (
	// literal is a value known while parsing.
	literal struct{ value any }
	name    struct{ name string }
	// tupleExpr and listExpr build sequences, dictExpr a mapping.
	tupleExpr struct{ items []expr }
	listExpr  struct{ items []expr }
	dictExpr  struct {
		line         int
		keys, values []expr
	}
	// attribute is x.name, subscript x[key], slice x[from:to:step].
	attribute struct {
		line int
		of   expr
		name string
	}
	subscript struct {
		line    int
		of, key expr
	}
	slice struct {
		line               int
		of, from, to, step expr // nil where left out
	}
	call struct {
		line int
		of   expr
		args arguments
	}
	filterExpr struct {
		line int
		name string
		of   expr // nil in front of a block
		args arguments
	}
	testExpr struct {
		line int
		name string
		of   expr
		args arguments
	}
	unary struct {
		line int
		op   string
		of   expr
	}
	binary struct {
		line        int
		op          string
		left, right expr
	}
	// logical is and, or; compare is a chain like a < b <= c.
	logical struct {
		or          bool
		left, right expr
	}
	not     struct{ of expr }
	compare struct {
		line     int
		first    expr
		ops      []string
		operands []expr
	}
	concatExpr struct {
		line  int
		parts []expr
	}
	conditional struct{ test, then, otherwise expr } // otherwise may be nil
)

// arguments of a call, as written.
type arguments struct {
	positional []expr
	rest       expr // of *rest, or nil
	names      []string
	named      []expr
}

type (
	output struct {
		line int
		of   expr
	}
	block  []stmt
	ifStmt struct {
		test            expr
		then, otherwise block
	}
	forStmt struct {
		line            int
		target          target
		over            expr
		filter          expr // nil without
		body, otherwise block
	}
	setStmt struct {
		line   int
		target target
		value  expr
	}
	setBlock struct {
		line    int
		target  target
		filters []filterExpr
		body    block
	}
	withStmt struct {
		line    int
		targets []target
		values  []expr
		body    block
	}
	macroStmt struct {
		name string
		macroBody
	}
	callStmt struct {
		line  int
		call  call
		inner macroBody
	}
	filterStmt struct {
		line    int
		filters []filterExpr
		body    block
	}
	loopControl struct{ flow flow }
)

// macroBody is what a macro and a call block have in common.
type macroBody struct {
	line     int
	params   []string
	defaults []expr // of the last ones
	body     block
}

// target is where a value goes: a name, name.attribute, or several of them.
type target struct {
	line      int
	name      string
	attribute string
	parts     []target // of a tuple
}
