package bench

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidings/store/pgtest"
)

var postgres pgtest.Shared

func TestMain(m *testing.M) { os.Exit(postgres.Run(m)) }

// TestEveryMeasureGivesFigures runs each measure for a moment at a tiny size.
// What the figures are is not looked at: that is what a run is for.
func TestEveryMeasureGivesFigures(t *testing.T) {
	program := filepath.Join(t.TempDir(), "tidings")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../cmd/tidings").CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			var shown strings.Builder
			dir := t.TempDir()
			db := ""
			if strings.HasPrefix(name, "pg-") {
				db = postgres.Database(t)
			}
			report, err := Run(t.Context(), Config{
				DB:      db,
				Program: program, Version: "test", Dir: dir, Rounds: 1, Time: 200 * time.Millisecond,
				Backlog: 20_000, Idle: 50, Contacts: 300, Calls: 300, Mails: 300, Waiting: 300, Shown: 3000, Asks: 4, Out: &shown,
			}, []string{name})
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Rows) == 0 {
				t.Fatal("no row")
			}
			for _, row := range report.Rows {
				check := append([]Part{{"the value", row.Value, row.Unit}}, row.Parts...)
				for _, p := range check {
					if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
						t.Errorf("%s: %s is %v %s", row.Name, p.Name, p.Value, p.Unit)
					}
				}
				if row.Name == "" || row.What == "" || row.Unit == "" || row.Reach == "" {
					t.Errorf("a row does not say what it is: %+v", row)
				}
				if !strings.Contains(shown.String(), row.What) {
					t.Errorf("%s is not shown: %s", row.Name, &shown)
				}
			}
			if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
				t.Errorf("it leaves %v, %v", left, err)
			}
			if err := report.JSON(&strings.Builder{}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnUnknownMeasureIsRefused(t *testing.T) {
	if _, err := Run(t.Context(), Config{}, []string{"speed"}); err == nil || !strings.Contains(err.Error(), "drain") {
		t.Errorf("%v", err)
	}
}

func TestReportsAreReadable(t *testing.T) {
	var out strings.Builder
	want := Report{Version: "v", Rows: []Row{{Name: "n", Value: 1.5, Unit: "x", Reach: ">= 1 x", OK: true, Parts: []Part{{"p", 2, "ms"}}}}}
	if err := want.JSON(&out); err != nil {
		t.Fatal(err)
	}
	var got Report
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil || got.Rows[0].Parts[0] != want.Rows[0].Parts[0] {
		t.Errorf("%+v, %v: %s", got, err, &out)
	}
}
