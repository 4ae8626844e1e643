package vtl

import (
	"math/big"
	"strconv"
	"strings"
)

// maxLiteralDigits bounds integer literals, whose reading takes quadratic time.
const maxLiteralDigits = 1200

// expression reads a whole expression: the operators by rising precedence are or,
// and, equality, relations, sums, products, and the unary ones.
func (p *parser) expression() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	return p.binary(0)
}

// precedence lists the binary operators from the loosest to the tightest.
var precedence = [...][]tokenKind{
	{tokOr, tokOr2},
	{tokAnd},
	{tokEQ, tokNE},
	{tokLT, tokGT, tokLE, tokGE},
	{tokPlus, tokMinus},
	{tokMultiply, tokDivide, tokModulus},
}

func (p *parser) binary(level int) (expr, error) {
	if level == len(precedence) {
		return p.unary()
	}
	start := p.last
	left, err := p.binary(level + 1)
	if err != nil {
		return nil, err
	}
	for {
		op, err := p.kindAt(1)
		if err != nil {
			return nil, err
		}
		if !contains(precedence[level], op) {
			return left, nil
		}
		if _, err := p.take(); err != nil {
			return nil, err
		}
		if err := p.count(); err != nil {
			return nil, err
		}
		right, err := p.binary(level + 1)
		if err != nil {
			return nil, err
		}
		left = combine(op, left, right, strings.TrimSpace(p.src[start:p.last]))
	}
}

func contains(kinds []tokenKind, kind tokenKind) bool {
	for _, k := range kinds {
		if k == kind {
			return true
		}
	}
	return false
}

func combine(op tokenKind, left, right expr, src string) expr {
	switch op {
	case tokOr, tokOr2:
		return &logicExpr{l: left, r: right, src: src}
	case tokAnd:
		return &logicExpr{and: true, l: left, r: right, src: src}
	case tokPlus, tokMinus, tokMultiply, tokDivide, tokModulus:
		return &mathExpr{op: op, l: left, r: right, src: src}
	}
	return &compareExpr{op: op, l: left, r: right, src: src}
}

func (p *parser) unary() (expr, error) {
	if err := p.blanks(); err != nil {
		return nil, err
	}
	start := p.last
	op, err := p.kindAt(1)
	if err != nil {
		return nil, err
	}
	if op != tokNot && op != tokMinus {
		return p.primary()
	}
	if _, err := p.take(); err != nil {
		return nil, err
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var x expr
	if op == tokNot {
		x, err = p.unary()
	} else {
		x, err = p.primary()
	}
	if err != nil {
		return nil, err
	}
	return &unaryExpr{op: op, x: x, src: p.src[start:p.last]}, nil
}

// primary reads one operand with the blanks around it.
func (p *parser) primary() (expr, error) {
	if err := p.blanks(); err != nil {
		return nil, err
	}
	start := p.last
	kind, err := p.kindAt(1)
	if err != nil {
		return nil, err
	}
	var x expr
	if kind == tokLParen {
		if _, err := p.take(); err != nil {
			return nil, err
		}
		inner, err := p.expression()
		if err != nil {
			return nil, err
		}
		if _, err := p.expect(tokRParen, `")"`); err != nil {
			return nil, err
		}
		x = &groupExpr{x: inner, src: p.src[start:p.last]}
	} else if x, err = p.operand(); err != nil {
		return nil, err
	}
	return x, p.blanks()
}

// operand reads a literal or a reference.
func (p *parser) operand() (expr, error) {
	if err := p.count(); err != nil {
		return nil, err
	}
	t, err := p.peek(1)
	if err != nil {
		return nil, err
	}
	switch t.kind {
	case tokIdentifier, tokLCurly:
		return p.reference()
	case tokString:
		return p.stringLiteral()
	case tokInteger, tokFloat:
		return p.number()
	case tokTrue, tokFalse:
		t, err := p.take()
		return &constExpr{val: Bool(t.kind == tokTrue), src: p.src[t.pos:t.end]}, err
	case tokLeftCurly:
		return p.mapLiteral()
	case tokLBracket:
		if isRange, err := p.rangeAhead(); err != nil {
			return nil, err
		} else if isRange {
			return p.rangeLiteral()
		}
		return p.listLiteral()
	}
	return nil, p.unexpected("a value")
}

func (p *parser) number() (expr, error) {
	t, err := p.take()
	if err != nil {
		return nil, err
	}
	src := p.src[t.pos:t.end]
	digits := strings.TrimLeft(src, "#$\\!")
	if t.kind == tokFloat {
		f, _ := strconv.ParseFloat(digits, 64) // out of range is an infinity, as in Java
		return &constExpr{val: Float(f), src: src}, nil
	}
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return &constExpr{val: Int(n), src: src}, nil
	}
	if len(digits) > maxLiteralDigits {
		return nil, &parseError{kind: KindLimitInteger, offset: int(t.pos), message: "the number has too many digits"}
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return nil, p.fail(int(t.pos), "not a number: "+src)
	}
	return &constExpr{val: BigInt(n), src: src}, nil
}

// parameter reads an element of a list or map: no operators.
func (p *parser) parameter() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if err := p.blanks(); err != nil {
		return nil, err
	}
	x, err := p.operand()
	if err != nil {
		return nil, err
	}
	return x, p.blanks()
}

func (p *parser) listLiteral() (expr, error) {
	start := p.last
	if _, err := p.take(); err != nil {
		return nil, err
	}
	list := &listExpr{}
	if kind, err := p.kindAt(1); err != nil {
		return nil, err
	} else if kind != tokRBracket {
		for {
			item, err := p.parameter()
			if err != nil {
				return nil, err
			}
			list.items = append(list.items, item)
			if _, ok, err := p.accept(tokComma); err != nil {
				return nil, err
			} else if !ok {
				break
			}
		}
	}
	if _, err := p.expect(tokRBracket, `"," or "]"`); err != nil {
		return nil, err
	}
	list.src = p.src[start:p.last]
	return list, nil
}

func (p *parser) mapLiteral() (expr, error) {
	start := p.last
	if _, err := p.take(); err != nil {
		return nil, err
	}
	m := &mapExpr{}
	if err := p.blanks(); err != nil {
		return nil, err
	}
	kind, err := p.kindAt(1)
	if err != nil {
		return nil, err
	}
	first, err := p.peek(1)
	if err != nil {
		return nil, err
	}
	firstPos := int(first.pos)
	for more := kind != tokRightCurly && kind != tokRCurly; more; {
		key, err := p.parameter()
		if err == nil {
			_, err = p.expect(tokColon, `":"`)
		}
		if err != nil {
			// The reference finds out by looking ahead that this is no first entry, and
			// then misses the closing brace where it begins.
			if e, ok := err.(*parseError); ok && len(m.keys) == 0 && e.syntax {
				e.offset = firstPos
			}
			return nil, err
		}
		val, err := p.parameter()
		if err != nil {
			return nil, err
		}
		m.keys, m.vals = append(m.keys, key), append(m.vals, val)
		if _, more, err = p.accept(tokComma); err != nil {
			return nil, err
		}
	}
	if _, ok, err := p.accept(tokRCurly); err != nil {
		return nil, err
	} else if !ok {
		if _, err := p.expect(tokRightCurly, `"," or "}"`); err != nil {
			return nil, err
		}
	}
	m.src = p.src[start:p.last]
	return m, nil
}

// rangeAhead reports whether [ begins a range: one reference or integer, then "..".
func (p *parser) rangeAhead() (bool, error) {
	n, err := p.skipBlanksFrom(2)
	if err != nil {
		return false, err
	}
	kind, err := p.kindAt(n)
	if err != nil {
		return false, err
	}
	switch kind {
	case tokInteger:
		n++
	case tokIdentifier, tokLCurly:
		if n, err = p.skipReference(n); err != nil {
			return false, err
		}
	default:
		return false, nil
	}
	if n, err = p.skipBlanksFrom(n); err != nil {
		return false, err
	}
	kind, err = p.kindAt(n)
	return kind == tokDoubleDot, err
}

func (p *parser) skipBlanksFrom(n int) (int, error) {
	for ; ; n++ {
		kind, err := p.kindAt(n)
		if err != nil || (kind != tokWhitespace && kind != tokNewline) {
			return n, err
		}
	}
}

// skipReference returns the number of the token behind the reference that begins
// with token n.
func (p *parser) skipReference(n int) (int, error) {
	formal, depth := 0, 0
	for ; ; n++ {
		kind, err := p.kindAt(n)
		if err != nil {
			return n, err
		}
		switch kind {
		case tokEOF:
			return n, nil
		case tokLCurly, tokLeftCurly:
			formal++
		case tokRCurly, tokRightCurly:
			formal--
			if formal == 0 && depth == 0 {
				return n + 1, nil
			}
		case tokIndexOpen, tokLParen, tokLBracket:
			depth++
		case tokIndexClose, tokMethodClose, tokRBracket, tokRParen:
			depth--
		case tokIdentifier, tokDot:
		default:
			if depth == 0 && formal == 0 {
				return n, nil
			}
		}
		if depth < 0 || formal < 0 {
			return n, nil
		}
	}
}

func (p *parser) rangeLiteral() (expr, error) {
	start := p.last
	open, err := p.take()
	if err != nil {
		return nil, err
	}
	x := &rangeExpr{pos: open.pos}
	if x.lo, err = p.bound(); err != nil {
		return nil, err
	}
	if _, err := p.expect(tokDoubleDot, `".."`); err != nil {
		return nil, err
	}
	if x.hi, err = p.bound(); err != nil {
		return nil, err
	}
	if _, err := p.expect(tokRBracket, `"]"`); err != nil {
		return nil, err
	}
	x.src = p.src[start:p.last]
	return x, nil
}

// bound reads one end of a range.
func (p *parser) bound() (expr, error) {
	if err := p.blanks(); err != nil {
		return nil, err
	}
	kind, err := p.kindAt(1)
	if err != nil {
		return nil, err
	}
	if kind != tokInteger && kind != tokIdentifier && kind != tokLCurly {
		return nil, p.unexpected("an integer or a reference")
	}
	x, err := p.operand()
	if err != nil {
		return nil, err
	}
	return x, p.blanks()
}
