package vtl

import (
	"context"
	"strconv"
)

// Limits bound what one render may use. A zero field takes the default; there is
// no way to switch a limit off, only to set it high.
type Limits struct {
	Steps       int // nodes, loop turns and method calls. Default 2 000 000
	Loops       int // turns of all #foreach together. Default 100 000
	Output      int // bytes written, also into #define, macros and quoted strings. Default 5 MiB
	Memory      int // bytes of all strings and slots of all collections made. Default 32 MiB
	String      int // bytes of one string. Default 1 MiB
	Collection  int // elements of one list or map. Default 100 000
	MacroDepth  int // calls of macros within each other. Default 20
	ParseDepth  int // #parse within each other; deeper ones print nothing. Default 10
	EvalDepth   int // #evaluate within each other. Default 10
	DefineDepth int // #define blocks within each other. Default 20
	TextDepth   int // lists and maps within each other, when printed. Default 100
	IntegerBits int // a BigInteger is at most 2 to this power. Default 4 096
	RegexSource int // bytes of a regular expression. Default 1 KiB
	RegexInput  int // bytes of text it is used on. Default 1 MiB
}

// DefaultLimits are the limits of an e-mail.
func DefaultLimits() Limits {
	return Limits{
		Steps: 2_000_000, Loops: 100_000, Output: 5 << 20, Memory: 32 << 20, String: 1 << 20,
		Collection: 100_000, MacroDepth: 20, ParseDepth: 10, EvalDepth: 10, DefineDepth: 20,
		TextDepth: 100, IntegerBits: 4096, RegexSource: 1 << 10, RegexInput: 1 << 20,
	}
}

// WebhookLimits are the limits of one variable of a webhook, of an SMS or of a push.
func WebhookLimits() Limits {
	l := DefaultLimits()
	l.Steps, l.Output = 100_000, 64<<10
	return l
}

// withDefaults fills the zero fields.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	fill := func(field *int, def int) {
		if *field <= 0 {
			*field = def
		}
	}
	fill(&l.Steps, d.Steps)
	fill(&l.Loops, d.Loops)
	fill(&l.Output, d.Output)
	fill(&l.Memory, d.Memory)
	fill(&l.String, d.String)
	fill(&l.Collection, d.Collection)
	fill(&l.MacroDepth, d.MacroDepth)
	fill(&l.ParseDepth, d.ParseDepth)
	fill(&l.EvalDepth, d.EvalDepth)
	fill(&l.DefineDepth, d.DefineDepth)
	fill(&l.TextDepth, d.TextDepth)
	fill(&l.IntegerBits, d.IntegerBits)
	fill(&l.RegexSource, d.RegexSource)
	fill(&l.RegexInput, d.RegexInput)
	return l
}

// slotBytes is what one element of a collection is charged.
const slotBytes = 48

// timeEvery is the number of steps between two looks at the context.
const timeEvery = 1024

// budget counts down what a render may still use.
type budget struct {
	limits Limits
	ctx    context.Context
	steps  int // left until the next look at the context, or the end
	rest   int // steps left after that
	loops  int
	memory int
}

func (b *budget) reset(limits Limits, ctx context.Context) {
	b.limits, b.ctx = limits, ctx
	b.loops, b.memory = limits.Loops, limits.Memory
	b.steps, b.rest = 0, limits.Steps
}

// step counts one step. It is small enough to be inlined; the slow path refills.
func (b *budget) step() error {
	if b.steps--; b.steps >= 0 {
		return nil
	}
	return b.refill(1)
}

// stepN counts n steps at once.
func (b *budget) stepN(n int) error {
	if b.steps -= n; b.steps >= 0 {
		return nil
	}
	return b.refill(n)
}

// refill gives out the next steps, after a look at the context. The n steps asked
// for were already taken from b.steps, which is below zero.
func (b *budget) refill(n int) error {
	owed := -b.steps
	if owed > b.rest {
		b.steps, b.rest = -1, 0
		return limitError(KindLimitSteps, "the template takes more than "+strconv.Itoa(b.limits.Steps)+" steps")
	}
	b.rest -= owed
	b.steps = min(timeEvery, b.rest)
	b.rest -= b.steps
	if b.ctx != nil {
		if err := b.ctx.Err(); err != nil {
			e := limitError(KindLimitTime, "the time for the template is over")
			e.Err = err
			return e
		}
	}
	return nil
}

// weigh counts the steps of work in proportion to the length of a long text: one for
// each 128 bytes.
func (b *budget) weigh(v Value) error {
	if v.kind != KindString || v.num < 1<<10 {
		return nil
	}
	return b.stepN(int(v.num >> 7))
}

// weighAll weighs the arguments of a method.
func (b *budget) weighAll(args []Value) error {
	for i := range args {
		if err := b.weigh(args[i]); err != nil {
			return err
		}
	}
	return nil
}

// weighFolded counts the comparison of two texts without regard to case.
func (b *budget) weighFolded(s, t string) error { return b.stepN(min(len(s), len(t)) >> 3) }

// loop counts one turn of a #foreach.
func (b *budget) loop() error {
	if b.loops--; b.loops < 0 {
		return limitError(KindLimitLoops, "all #foreach together take more than "+strconv.Itoa(b.limits.Loops)+" turns")
	}
	return b.step()
}

// charge takes bytes from the memory budget.
func (b *budget) charge(n int) error {
	if b.memory -= n; b.memory < 0 || n < 0 {
		return limitError(KindLimitMemory, "the template makes more than "+strconv.Itoa(b.limits.Memory)+" bytes of values")
	}
	return nil
}

// chargeString takes a string of n bytes.
func (b *budget) chargeString(n int) error {
	if n > b.limits.String || n < 0 {
		return limitError(KindLimitString, "a string of the template has more than "+strconv.Itoa(b.limits.String)+" bytes")
	}
	return b.charge(n)
}

// chargeSlots takes n elements of a new collection.
func (b *budget) chargeSlots(n int) error {
	if n > b.limits.Collection || n < 0 {
		return limitError(KindLimitSize, "a list or map of the template has more than "+strconv.Itoa(b.limits.Collection)+" elements")
	}
	return b.charge(n * slotBytes)
}

// limitError makes an error without a place; exec adds it.
func limitError(kind ErrorKind, message string) *Error {
	return &Error{Kind: kind, Message: message}
}
