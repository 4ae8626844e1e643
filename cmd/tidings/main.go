// Command tidings is the server and the tools around it. It is the only place
// that knows all parts: it reads the flags and their environment twins
// (TIDINGS_…), wires the parts together, and prints for people.
//
//	serve.go     flags -> one server: store, dispatcher, doors
//	node.go      what a server is among others on one PostgreSQL database
//	migrate.go   that database brought up to date
//	listen.go    a receiver for developers
//	demo.go      everything at work on an empty machine
//	account.go   accounts over the API
//	user.go      their users, too, and the link that makes the first one
//	import.go    contacts from files (import_pieces.go cuts them)
//	importsqlite.go  a data directory taken over into that database
//	backup.go    a copy of the data, and the way back
//	bench.go     the measurements
//	flow2.go     flags -> what runs workflows and sends mails
//	testworkflows.go  the kept cases of workflows, for pipelines
//	render.go    one template, for those who write them
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the command could not do its work
	exitUsage  = 2 // the command was not understood
)

// commands is the command line: flags, their environment twins and the help are read off it.
type commands struct {
	Serve         serveCmd         `cmd:"" help:"Run the server."`
	Listen        listenCmd        `cmd:"" help:"Run a receiver for developers: it prints what it gets, verifies signature and order, and fails when told to."`
	Demo          demoCmd          `cmd:"" help:"Show everything at work on an empty machine; nothing is left behind."`
	Account       accountCmd       `cmd:"" help:"Accounts of a running server."`
	User          userCmd          `cmd:"" help:"Users of the accounts of a running server."`
	Keys          keysCmd          `cmd:"" help:"The keys that seal secrets in the database."`
	Import        importCmd        `cmd:"" help:"Bring data in from files."`
	Migrate       migrateCmd       `cmd:"" help:"Bring a PostgreSQL database up to date."`
	ImportSQLite  importSQLiteCmd  `cmd:"" name:"import-sqlite" help:"Take a data directory over into a PostgreSQL database."`
	Backup        backupCmd        `cmd:"" help:"Copy a data directory's database, also while the server runs."`
	Restore       restoreCmd       `cmd:"" help:"Make a data directory from a backup."`
	Bench         benchCmd         `cmd:"" help:"Measure this server on this machine, as ratios to bare loops."`
	TestWorkflows testWorkflowsCmd `cmd:"" help:"Run the kept cases of workflows; ends with 1 when one gives something else than it gave."`
	Render        renderCmd        `cmd:"" help:"Render a template, or list what it refers to."`
	Version       versionCmd       `cmd:"" help:"Print the version."`
}

// terminal is what a command reads from and writes to.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	colours  bool // of out
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks for a graceful end; a second one, with nobody listening any more, kills.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, colours: isTerminal(os.Stdout)}))
}

// run is main without the process around it. The result is the exit code.
func run(ctx context.Context, args []string, term terminal) (code int) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case exit:
			code = int(e)
		default:
			panic(e)
		}
	}()
	parser, err := newParser(&commands{}, term)
	if err != nil {
		fmt.Fprintln(term.err, "tidings:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(term.err, "tidings: %v\nTry: %s --help\n", err, strings.Join(append([]string{"tidings"}, named(parser.Model, args)...), " "))
		return exitUsage
	}
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(ctx, term); err != nil {
		if _, ok := errors.AsType[placedError](err); ok {
			fmt.Fprintln(term.err, err)
			return exitFailed
		}
		fmt.Fprintln(term.err, "tidings:", err)
		if _, ok := errors.AsType[usageError](err); ok {
			return exitUsage
		}
		return exitFailed
	}
	return exitOK
}

// newParser reads the command line off a struct of commands.
func newParser(c any, term terminal) (*kong.Kong, error) {
	return kong.New(
		c,
		kong.Name("tidings"),
		kong.Description("Activities in, in strict order out: a server for the webhooks of a customer data platform."),
		kong.DefaultEnvars("TIDINGS"),
		kong.Writers(term.out, term.err),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.ValueFormatter(describe),
		kong.Vars{"measures": measureNames()},
	)
}

// describe is the help of a flag or argument: what it is, its default, and its environment twin.
func describe(v *kong.Value) string {
	words := v.Help
	if v.HasDefault && v.Default != "" && v.Default != "0" && !strings.HasPrefix(v.Default, "0s") {
		words += " Default: " + v.Default + "."
	}
	if v.Flag != nil && len(v.Flag.Envs) > 0 {
		words += " ($" + strings.Join(v.Flag.Envs, ", $") + ")"
	}
	return words
}

// exit carries the code with which kong ends a run early (after --help).
type exit int

// usageError is a mistake in how a command was called that its flags' types can't find.
type usageError struct{ error }

// placedError is a mistake in a file: its text begins with FILE:LINE:COL, as editors read it.
type placedError struct{ error }

// named gives the words of args that name a command.
func named(app *kong.Application, args []string) []string {
	node, path := app.Node, []string(nil)
	for _, arg := range args {
		for _, child := range node.Children {
			if child.Name == arg {
				node, path = child, append(path, arg)
				break
			}
		}
	}
	return path
}

// isTerminal says whether a file is a terminal that colours may go to (no-color.org).
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
