package e2e_test

import (
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// language is how a program of the receiver guide is run.
type language struct {
	name  string // as -guide.languages has it
	fence string // of its code block
	file  string
	run   []string // FILE and PORT are put in
}

func guideLanguages() []language {
	return []language{
		{"go", "go", "receiver.go", []string{"go", "run", "FILE"}},
		{"node", "js", "receiver.js", []string{"node", "FILE"}},
		{"python", "python", "receiver.py", []string{"python3", "FILE"}},
		{"php", "php", "receiver.php", []string{"php", "-S", "127.0.0.1:PORT", "FILE"}},
	}
}

// chosen gives the languages to try: those of the flag, or those that are installed.
func chosen(t *testing.T) []language {
	t.Helper()
	var list []language
	for _, l := range guideLanguages() {
		_, err := exec.LookPath(l.run[0])
		switch {
		case *languages == "" && err == nil, slices.Contains(strings.Split(*languages, ","), l.name):
			list = append(list, l)
		case *languages == "":
			t.Logf("%s is not installed here: its program is not tried", l.name)
		}
	}
	return list
}

// TestGuidesReceiversTakeDeliveriesAndRefuseForgeries runs the programs of
// docs/receivers.md as they stand there: each passes the probe and takes signed deliveries of
// a real endpoint, and refuses what is not signed.
func TestGuidesReceiversTakeDeliveriesAndRefuseForgeries(t *testing.T) {
	guide, err := os.ReadFile("../docs/receivers.md")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	for _, l := range chosen(t) {
		t.Run(l.name, func(t *testing.T) {
			blocks := regexp.MustCompile("(?s)```"+l.fence+"\n(.*?)```").FindAllSubmatch(guide, -1)
			program := string(blocks[len(blocks)-1][1])
			file := filepath.Join(t.TempDir(), l.file)
			if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
				t.Fatal(err)
			}
			secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret for "+l.name+" of 24 bytes or more"))
			addr := freeAddr(t)
			runProgram(t, l, file, addr, secret)

			account := s.newAccount(t, l.name)
			url := "http://" + addr + "/webhooks"
			eventually(t, "the program listens", func() bool {
				res, err := http.Get(url)
				if err == nil {
					res.Body.Close()
				}
				return err == nil && res.StatusCode == http.StatusOK
			})
			e := account.newEndpoint(t, map[string]any{"url": url, "secret": secret})
			if e.State != "active" {
				t.Fatalf("the probe was not passed: %+v", e)
			}
			account.send(t, activities(1, 0, 50))
			eventually(t, "the program has taken all", func() bool { return account.endpoint(t, e.ID).Cursor == 50 })
			if got := account.endpoint(t, e.ID); got.LastError != "" {
				t.Errorf("a delivery was refused: %s", got.LastError)
			}
			res, err := http.Post(url, "application/json", strings.NewReader("[]"))
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusUnauthorized {
				t.Errorf("a forgery is answered %d", res.StatusCode)
			}
		})
	}
}

func runProgram(t *testing.T, l language, file, addr, secret string) {
	t.Helper()
	_, port, _ := strings.Cut(addr, ":")
	args := slices.Clone(l.run)
	for i := range args {
		args[i] = strings.NewReplacer("FILE", file, "PORT", port).Replace(args[i])
	}
	if l.name == "go" { // built first: killing `go run` would leave its child
		binary := file + ".bin"
		if out, err := exec.Command("go", "build", "-o", binary, file).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		args = []string{binary}
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "SECRET="+secret, "PORT="+port)
	var printed output
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(printed.String())
		}
	})
}

// TestGuidesTenLinesApplyARepeatOnce runs the deduplication of the guide. A
// server that was killed before it wrote down how far it had come repeats all
// batches since, not only the last one.
func TestGuidesTenLinesApplyARepeatOnce(t *testing.T) {
	guide, err := os.ReadFile("../docs/receivers.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```python\n(def handle.*?)```").FindSubmatch(guide)
	if block == nil {
		t.Fatal("the guide has no handle in Python")
	}
	if lines := strings.Count(string(block[1]), "\n"); lines > 10 {
		t.Errorf("the ten lines are %d", lines)
	}
	if !slices.ContainsFunc(chosen(t), func(l language) bool { return l.name == "python" }) {
		return
	}
	check := `
import sqlite3
db, applied = sqlite3.connect(":memory:"), []
def once(db, a): applied.append(a)
def broken(db, a): raise ValueError
handle(db, "b_1", [1, 2], once)
handle(db, "b_1", [1, 2], once)
try: handle(db, "b_2", [3], broken)
except ValueError: pass
handle(db, "b_2", [3], once)
handle(db, "b_2", [3], once)
handle(db, "b_3", [4], once)
for id, activities in ("b_1", [1, 2]), ("b_2", [3]), ("b_3", [4]): handle(db, id, activities, once)
handle(db, "b_4", [5], once)
assert applied == [1, 2, 3, 4, 5], applied
`
	if out, err := exec.Command("python3", "-c", string(block[1])+check).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
