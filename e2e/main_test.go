package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tidings/e2e/browser"
	"tidings/store/pgtest"
)

// postgres is the PostgreSQL server of the tests that need one and do it no harm.
var postgres pgtest.Shared

// browsers is the browser of the tests that click.
var browsers browser.Shared

var (
	crashRounds = flag.Int("crash.rounds", 10, "how often the server is killed")
	crashSeed   = flag.Uint64("crash.seed", 0, "seed of the moments; 0 = a new one, printed")
	clusterLong = flag.Duration("cluster.long", 0, "how long nodes are killed and cut off at random; 0 = once each")
	languages   = flag.String("guide.languages", "", "languages of the receiver guide to try, e.g. go,node,python,php; default: those that are installed")
)

// binary gives the path of the binary under test, built once by TestMain.
func binary() string { return os.Getenv("TIDINGS_E2E_BINARY") }

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(build(m))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tidings-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "tidings")
	if out, err := exec.Command("go", "build", "-o", path, "../cmd/tidings").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the binary: %v\n%s", err, out)
		return 1
	}
	os.Setenv("TIDINGS_E2E_BINARY", path)
	defer browsers.Stop()
	return postgres.Run(m)
}
