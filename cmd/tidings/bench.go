package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"tidings/bench"
)

// benchCmd measures.
type benchCmd struct {
	Measures []string      `arg:"" optional:"" help:"What to measure; all when nothing is named: ${measures}."`
	Rounds   int           `default:"3" help:"Rounds of each compared pair; medians are printed."`
	Time     time.Duration `default:"4s" help:"Length of a round."`
	Backlog  int           `default:"10000000" help:"Activities stored for the measures of a full store."`
	Idle     int           `default:"100000" help:"Endpoints of the measure of idle ones."`
	Contacts int           `default:"1000000" help:"Contacts of the measures of contacts."`
	Calls    int           `default:"1000000" help:"Calls of the measure of their memory."`
	Mails    int           `default:"100000" help:"Mails of the measure of a broadcast."`
	Waiting  int           `default:"1000000" help:"Waiting runs of the measure of them."`
	Shown    int           `default:"1000000" help:"Activities of the account whose pages are measured."`
	Asks     int           `default:"200" help:"How often each page is asked for."`
	DB       string        `name:"db" placeholder:"DSN" help:"PostgreSQL server for the measures that begin with pg-, as postgres://USER:PASSWORD@HOST:PORT/NAME; databases are made on it and dropped."`
	Dir      string        `type:"existingdir" placeholder:"DIR" help:"Where the data goes, on the disk to be measured. Default: the system's directory for temporary files."`
	JSON     string        `placeholder:"FILE" help:"Write the report as JSON, too."`

	BareAddr string `hidden:"" help:"Run the bare pipeline on this address instead."`
	BareFile string `hidden:"" help:"What the bare pipeline appends to."`
	BareTo   string `hidden:"" help:"Where the bare pipeline posts to."`
}

// Run measures and prints each row as it is known. The exit code says whether
// measuring worked, not whether the figures were reached: they are ratios on a
// machine that does other things.
func (c *benchCmd) Run(ctx context.Context, term terminal) error {
	if c.BareAddr != "" {
		l, err := net.Listen("tcp", c.BareAddr)
		if err != nil {
			return err
		}
		return (&bench.Bare{File: c.BareFile, To: c.BareTo}).Serve(ctx, l)
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	// What is measured in this process (calls, and the bare client that they are
	// held against) runs under the collector that a server runs under.
	tuning, tuned := context.WithCancel(ctx)
	var tuner sync.WaitGroup
	tuner.Go(func() { tuneCollector(tuning, collectorLook) })
	defer tuner.Wait()
	defer tuned()
	report, err := bench.Run(ctx, bench.Config{
		Program: program, Version: version, Dir: c.Dir,
		Rounds: c.Rounds, Time: c.Time, Backlog: c.Backlog, Idle: c.Idle, Contacts: c.Contacts, Calls: c.Calls, Mails: c.Mails, Waiting: c.Waiting, Shown: c.Shown, Asks: c.Asks, DB: c.DB, Out: term.out,
	}, c.Measures)
	if err != nil {
		return err
	}
	return c.writeJSON(report)
}

func (c *benchCmd) writeJSON(report bench.Report) error {
	if c.JSON == "" {
		return nil
	}
	f, err := os.Create(c.JSON)
	if err != nil {
		return err
	}
	if err := report.JSON(f); err != nil {
		return fmt.Errorf("%s: %w", c.JSON, err)
	}
	return f.Close()
}

// measureNames is for the help.
func measureNames() string { return strings.Join(bench.Names(), ", ") }
