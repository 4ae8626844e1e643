package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	_ "time/tzdata" // --zone, the accounts' zones and the dates of templates work on machines without a zone database

	"tidings/vtl"
)

// renderCmd renders one template as the server does, for those who write templates.
type renderCmd struct {
	Template string `short:"t" required:"" placeholder:"FILE" help:"The template; - is standard input."`
	Context  string `short:"d" placeholder:"FILE" help:"JSON object with the variables; - is standard input. Without it there are none."`
	Strict   bool   `help:"Make a reference without a value an error, unless it is quiet or has a default."`
	Message  bool   `help:"Read it as a message: with merge tags (%NAME|default%) and $velocityCount."`
	Locale   string `default:"en_US" placeholder:"TAG" help:"Language and country of numbers and dates."`
	Zone     string `default:"UTC" placeholder:"NAME" help:"Time zone of dates, such as Europe/Kyiv."`
	Refs     bool   `help:"List the references of the template instead: place, source, path, notes."`
}

// Run prints the output, all of it or none.
func (c *renderCmd) Run(ctx context.Context, term terminal) error {
	opts, err := c.options(ctx)
	if err != nil {
		return usageError{err}
	}
	source, vars, err := c.read(term.in)
	if err != nil {
		return usageError{err}
	}
	tmpl, err := vtl.Parse(shownName(c.Template), source, vtl.Options{MergeTags: c.Message, VelocityCount: c.Message})
	if err != nil {
		return excerpted(err)
	}
	if c.Refs {
		return listReferences(term.out, tmpl)
	}
	out, err := tmpl.Render(nil, vars, opts)
	if err != nil {
		return excerpted(err)
	}
	_, err = term.out.Write(out)
	return err
}

func (c *renderCmd) options(ctx context.Context) (*vtl.RenderOptions, error) {
	if !vtl.KnownLocale(c.Locale) {
		return nil, fmt.Errorf("--locale: %q is not known; known are %s", c.Locale, strings.Join(vtl.Locales(), ", "))
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return nil, fmt.Errorf("--zone: %q is not known; want a name such as Europe/Kyiv", c.Zone)
	}
	return &vtl.RenderOptions{Context: ctx, Tools: vtl.StandardTools(), Locale: c.Locale, Zone: zone, Strict: c.Strict}, nil
}

// read gets the template's source and its variables.
func (c *renderCmd) read(in io.Reader) (source string, vars vtl.Vars, err error) {
	if c.Template == "-" && c.Context == "-" {
		return "", nil, errors.New("only one of template and context can come from standard input")
	}
	text, err := readInput(in, c.Template)
	if err != nil {
		return "", nil, fmt.Errorf("the template: %w", err)
	}
	if c.Context == "" || c.Refs {
		return string(text), nil, nil
	}
	data, err := readInput(in, c.Context)
	if err != nil {
		return "", nil, fmt.Errorf("the context: %w", err)
	}
	value, err := vtl.ParseJSON(data)
	if err != nil {
		return "", nil, fmt.Errorf("the context %s: %w", shownName(c.Context), err)
	}
	if value.Map() == nil {
		return "", nil, fmt.Errorf("the context %s: want a JSON object, whose keys are the variables", shownName(c.Context))
	}
	return string(text), value.Map(), nil
}

// readInput reads a file whole; "-" is standard input. The mark that some editors put
// before the text is no part of it.
func readInput(in io.Reader, name string) (data []byte, err error) {
	if name == "-" {
		data, err = io.ReadAll(in)
	} else {
		data, err = os.ReadFile(name)
	}
	return bytes.TrimPrefix(data, []byte("\ufeff")), err
}

func shownName(file string) string {
	if file == "-" {
		return "<stdin>"
	}
	return file
}

// excerpted adds the line of the template, with a caret, to an error of the engine.
func excerpted(err error) error {
	text := err.Error()
	if e, ok := errors.AsType[*vtl.Error](err); ok {
		if excerpt := e.Excerpt(); excerpt != "" {
			text += "\n" + excerpt
		}
	}
	return placedError{errors.New(text)}
}

// listReferences prints where a template uses variables.
func listReferences(out io.Writer, tmpl *vtl.Template) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, ref := range tmpl.References() {
		source := strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(ref.Source)
		fmt.Fprintf(w, "%d:%d\t%s\t%s\t%s\n", ref.Line, ref.Col, source, strings.Join(ref.Path, "."), strings.Join(refNotes(ref), ", "))
	}
	return w.Flush()
}

func refNotes(ref vtl.RefUse) []string {
	var notes []string
	for _, note := range []struct {
		is   bool
		word string
	}{
		{ref.Merge, "merge tag"},
		{ref.Quiet, "quiet"},
		{ref.Default, "has a default"},
		{ref.Target, "set here"},
		{ref.Local && !ref.Target, "of the template"},
	} {
		if note.is {
			notes = append(notes, note.word)
		}
	}
	return notes
}
