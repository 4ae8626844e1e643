package vtl

import "strings"

// node is a piece of a template that writes output. It prints itself back as the
// source it was read from, to the byte.
type node interface {
	exec(r *render) error
	source(b *strings.Builder)
}

// expr is a piece of a template that has a value.
type expr interface {
	eval(r *render) (Value, error)
	// literal is the source, which stands in for a null in a concatenation.
	literal() string
}

// Statements.
type (
	// textNode is text between the directives. out differs from src only where
	// backslashes or lone dollars were dropped.
	textNode struct{ src, out string }

	// commentNode is a comment; it prints nothing.
	commentNode struct{ src string }

	// refNode writes a reference.
	refNode struct {
		ref *reference
		src string // with the prefix of backslashes and dollars
	}

	// mergeNode writes a merge tag: %NAME|default%.
	mergeNode struct {
		src, name, def string
		hasDefault     bool
		slot           int32
		pos            int32
	}

	// setNode is #set($target = value).
	setNode struct {
		src    string
		prefix string // lone # and $ before the directive, which are text
		target *reference
		value  expr
		pos    int32
	}

	// ifNode is #if, its #elseif and #else, and #end.
	ifNode struct {
		prefix string
		arms   []ifArm
		tail   string
		pos    int32
	}

	ifArm struct {
		head string
		cond expr // nil for #else
		body block
	}

	// foreachNode is #foreach($item in list).
	foreachNode struct {
		directive
		item     int32 // slot of the loop variable
		list     expr
		body     block
		elseHead string
		orElse   block
		hasElse  bool
	}

	// macroNode is a #macro definition. It writes nothing.
	macroNode struct {
		directive
		body block
	}

	// callNode is a call of a macro, with or without a body.
	callNode struct {
		directive
		name   string
		args   []expr
		badArg string // a bare word among the arguments
		badPos int32
		body   *block // of #@name
		target *macro // known when the macro is of the same template
		src    string // what is printed if there is no such macro
	}

	// defineNode is #define($name).
	defineNode struct {
		directive
		slot int32
		body block
	}

	// evaluateNode is #evaluate(text).
	evaluateNode struct {
		directive
		arg expr
	}

	// parseNode is #parse(name).
	parseNode struct {
		directive
		arg expr
	}

	// includeNode is #include(names).
	includeNode struct {
		directive
		args []expr
	}

	// breakNode is #break.
	breakNode struct {
		directive
		args []expr
	}

	// stopNode is #stop.
	stopNode struct{ directive }
)

// directive is what all directives but #if and #set share.
type directive struct {
	head, tail string // source before and behind the body
	prefix     string // text printed before
	postfix    string // text printed behind
	pos        int32
}

// block is a list of statements.
type block struct {
	nodes   []node
	postfix string // lone # and $ before the #end, which are text
	pos     int32
}

// macro is a defined macro.
type macro struct {
	name   string
	params []param
	body   *block
	tmpl   *Template
}

type param struct {
	slot int32
	def  expr // nil if there is no default
}

// reference is $name with what follows.
type reference struct {
	text    string // source without prefix: printed if there is no value
	name    string
	more    string // lone # and $ before it, which are text
	esc     string // backslashes that stay
	null    string // what is printed instead of a null
	steps   []step
	alt     expr // ${name|alt}
	slot    int32
	pos     int32
	use     int32 // number of its RefUse, from 1
	quiet   bool
	escaped bool
	runt    bool // a bare name among arguments: always null
	inert   bool // $\!name: no reference after all
}

// step is one .name, .name(args) or [index] of a reference.
type step struct {
	kind stepKind
	pos  int32
	name string
	key  expr // of an index
	args []expr
	call *methodSet // methods called name, nil if no kind has one
	get  *methodSet // methods called getName, for properties
	is   *methodSet // methods called isName, for properties
}

type stepKind uint8

const (
	stepProperty stepKind = iota
	stepMethod
	stepIndex
)

// Expressions.
type (
	constExpr struct {
		val Value
		src string
	}

	// stringExpr is a double quoted string with references or directives in it.
	stringExpr struct {
		src  string
		body block
		text string // what body was read from
		at   origin // where text begins
	}

	listExpr struct {
		src   string
		items []expr
	}

	mapExpr struct {
		src        string
		keys, vals []expr
	}

	rangeExpr struct {
		src    string
		lo, hi expr
		pos    int32
	}

	unaryExpr struct {
		op  tokenKind
		x   expr
		src string
	}

	mathExpr struct {
		op   tokenKind
		l, r expr
		src  string
	}

	compareExpr struct {
		op   tokenKind
		l, r expr
		src  string
	}

	logicExpr struct {
		and  bool
		l, r expr
		src  string
	}

	// groupExpr is an expression in parentheses; it matters to its source only.
	groupExpr struct {
		x   expr
		src string
	}

	// wordExpr is a bare word among the arguments of a directive.
	wordExpr struct{ src string }
)

func (e *constExpr) literal() string   { return e.src }
func (e *stringExpr) literal() string  { return e.src }
func (e *listExpr) literal() string    { return e.src }
func (e *mapExpr) literal() string     { return e.src }
func (e *rangeExpr) literal() string   { return e.src }
func (e *unaryExpr) literal() string   { return e.src }
func (e *mathExpr) literal() string    { return e.src }
func (e *compareExpr) literal() string { return e.src }
func (e *logicExpr) literal() string   { return e.src }
func (e *groupExpr) literal() string   { return e.src }
func (e *wordExpr) literal() string    { return e.src }
func (e *reference) literal() string   { return e.text }

func (n *textNode) source(b *strings.Builder)    { b.WriteString(n.src) }
func (n *commentNode) source(b *strings.Builder) { b.WriteString(n.src) }
func (n *refNode) source(b *strings.Builder)     { b.WriteString(n.src) }
func (n *mergeNode) source(b *strings.Builder)   { b.WriteString(n.src) }
func (n *setNode) source(b *strings.Builder)     { b.WriteString(n.src) }

func (bl *block) source(b *strings.Builder) {
	for _, n := range bl.nodes {
		n.source(b)
	}
}

func (n *ifNode) source(b *strings.Builder) {
	for i := range n.arms {
		b.WriteString(n.arms[i].head)
		n.arms[i].body.source(b)
	}
	b.WriteString(n.tail)
}

func (n *foreachNode) source(b *strings.Builder) {
	b.WriteString(n.head)
	n.body.source(b)
	b.WriteString(n.elseHead)
	n.orElse.source(b)
	b.WriteString(n.tail)
}

func (n *macroNode) source(b *strings.Builder) {
	b.WriteString(n.head)
	n.body.source(b)
	b.WriteString(n.tail)
}

func (n *defineNode) source(b *strings.Builder) {
	b.WriteString(n.head)
	n.body.source(b)
	b.WriteString(n.tail)
}

func (n *callNode) source(b *strings.Builder) {
	b.WriteString(n.head)
	if n.body != nil {
		n.body.source(b)
	}
	b.WriteString(n.tail)
}

func (d *directive) source(b *strings.Builder) {
	b.WriteString(d.head)
	b.WriteString(d.tail)
}
