package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"tidings/store"
)

// importSQLiteCmd takes a data directory over into a PostgreSQL database.
type importSQLiteCmd struct {
	Dir           string `arg:"" type:"existingdir" placeholder:"DIR" help:"Data directory; no server may run on it. Nothing in it is changed."`
	DB            string `required:"" name:"db" placeholder:"DSN" help:"PostgreSQL database, empty, or where this import broke off."`
	SecretKeyFile string `placeholder:"FILE" help:"File of the keys that seal secrets, when it is not tidings.key in the data directory."`
}

// Run copies, compares both sides, and says what was the same.
func (c *importSQLiteCmd) Run(ctx context.Context, term terminal) error {
	keyFile := cmp.Or(c.SecretKeyFile, keyFileIn(c.Dir))
	keys, err := sharedKeys(keyFile)
	if err != nil {
		return err
	}
	steps := importProgress{term: term}
	begun := time.Now()
	tables, err := store.Import{Dir: c.Dir, DSN: c.DB, Keys: keys, Progress: steps.show}.Run(ctx)
	steps.end()
	if err != nil {
		return err
	}
	var rows int64
	for _, t := range tables {
		if rows += t.Rows; t.Rows > 0 {
			fmt.Fprintf(term.out, "%-20s %15s rows  %x\n", t.Name, thousands(t.Rows), t.Digest[:8])
		}
	}
	_, err = fmt.Fprintf(term.out, "%s rows in %d tables are the same in the %s, after %s.\nGive every node a copy of %s, and start them with --db.\n",
		thousands(rows), len(tables), databaseName(c.DB), time.Since(begun).Round(time.Second), keyFile)
	return err
}

// importProgress shows a bar for each table that takes its time.
type importProgress struct {
	term  terminal
	bar   *progressbar.ProgressBar // nil = none is shown
	about string
}

// worthABar is from how many rows on a table has a bar.
const worthABar = 10_000

func (p *importProgress) show(s store.ImportStep) {
	about := s.Table
	if s.Comparing {
		about += ", compared"
	}
	if about != p.about {
		p.end()
		p.about = about
		if f, ok := p.term.err.(*os.File); ok && isTerminal(f) && s.All >= worthABar {
			p.bar = progressbar.NewOptions64(s.All, progressbar.OptionSetWriter(p.term.err), progressbar.OptionSetDescription(about),
				progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionFullWidth())
		}
	}
	if p.bar != nil {
		_ = p.bar.Set64(s.Done) // a bar that can't be drawn is no reason to stop
	}
}

func (p *importProgress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
		fmt.Fprintln(p.term.err)
		p.bar = nil
	}
}
