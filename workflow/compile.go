package workflow

import (
	"fmt"
	"slices"

	"tidings"
)

// program is a version of a workflow made ready to be run. It never changes.
type program struct {
	start  tidings.BlockID
	blocks map[tidings.BlockID]*block
}

// block is a block with its templates parsed.
type block struct {
	tidings.Block
	whose    whose
	question question
	setters  []setter
	// wrong says why the block can't be executed: a template that could be read when
	// the version was made and can't be now. nil = it can.
	wrong error
}

// whose is the templates that say whose data a block uses.
type whose struct{ id, phone, email template }

// setter is a FieldSetter with its template parsed.
type setter struct {
	field string // a standard field's name as tidings.StandardFields has it, or a FieldKey
	value template
}

func compileProgram(d *tidings.Definition) *program {
	p := &program{start: d.Start, blocks: make(map[tidings.BlockID]*block, len(d.Blocks))}
	for i := range d.Blocks {
		b := &block{Block: d.Blocks[i]}
		b.wrong = b.compile()
		p.blocks[b.ID] = b
	}
	return p
}

func (b *block) compile() (err error) {
	switch {
	case b.Webhook != nil:
		b.whose, err = compileWhose(&b.Webhook.Whose)
	case b.Message != nil:
		b.whose, err = compileWhose(&b.Message.Whose)
	case b.Condition != nil:
		b.question, err = compileQuestion(b.Condition)
	}
	for _, f := range b.Fields {
		value, wrong := parseTemplate(f.Field, f.Value)
		if wrong != nil {
			return wrong
		}
		name := tidings.StandardField(f.Field)
		if name == "" {
			key, reason := tidings.CheckFieldKey(f.Field)
			if reason != "" {
				return fmt.Errorf("the field %q %s", f.Field, reason)
			}
			name = string(key)
		}
		b.setters = append(b.setters, setter{name, value})
	}
	return err
}

func compileWhose(w *tidings.Whose) (whose, error) {
	var out whose
	for _, t := range []struct {
		name, source string
		into         *template
	}{{"contactId", w.ContactID, &out.id}, {"phone", w.Phone, &out.phone}, {"contactEmail", w.Email, &out.email}} {
		parsed, err := parseTemplate(t.name, t.source)
		if err != nil {
			return out, err
		}
		*t.into = parsed
	}
	return out, nil
}

// complete says whether a block is of a known kind and has what it works with.
// A version was checked before it became one; a draft that is tried was not.
func (b *block) complete() bool {
	switch b.Kind {
	case tidings.BlockWebhook:
		return b.Webhook != nil
	case tidings.BlockMessage:
		return b.Message != nil
	case tidings.BlockCondition:
		return b.Condition != nil
	case tidings.BlockTimer:
		return b.Timer != nil
	}
	return slices.Contains(tidings.BlockKinds(), b.Kind)
}
