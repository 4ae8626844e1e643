package e2e_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestBadCommandLinesEndWith2AndSayWhy(t *testing.T) {
	data := t.TempDir()
	cases := []struct {
		args string
		want string
	}{
		{"serv", "serv"},
		{"serve", "--data"},
		{"serve --data DATA --adr 127.0.0.1:0", "\"--addr\""},
		{"serve --data DATA --egress-allow 10.0.0.0/33", "10.0.0.0/33"},
		{"serve --data DATA --egress-allow 10.0.0.1/8", "did you mean 10.0.0.0/8"},
		{"serve --data DATA --retry-base 2h --retry-cap 1h", "--retry-cap"},
		{"serve --data DATA --retry-base 0s", "--retry-base"},
		{"serve --data DATA --admin-token short", "16 characters"},
		{"serve --data DATA --log-level loud", "--log-level"},
		{"serve --data DATA --ca-file /does/not/exist", "/does/not/exist"},
		{"listen --secret hunter2", "whsec_"},
		{"listen --status 99", "--status"},
		{"listen --fail -1", "--fail"},
		{"serve --data DATA --smtp http://mail.example.com", "--smtp"},
		{"serve --data DATA --mail-from nobody", "--mail-from"},
		{"serve --data DATA --dkim-domain example.com", "--dkim-key"},
		{"serve --data DATA --bounce-addr 127.0.0.1:0", "--bounce-domain"},
		{"serve --data DATA --workers -1", "--workers"},
		{"test-workflows --key k one", "one"},
		{"demo --rate 0", "--rate"},
		{"account create", "<name>"},
		{"backup --data DATA", "<file>"},
	}
	for _, c := range cases {
		t.Run(c.args, func(t *testing.T) {
			code, _, errs := run(t, strings.Fields(strings.ReplaceAll(c.args, "DATA", data))...)
			if code != 2 || !strings.Contains(errs, c.want) || !strings.Contains(errs, "--help") {
				t.Errorf("ended with %d: %s", code, errs)
			}
		})
	}
}

func TestWhatCannotBeServedEndsWith1AndSaysWhy(t *testing.T) {
	s := newServer(t)
	t.Run("locked data", func(t *testing.T) {
		code, _, errs := run(t, "serve", "--addr", "127.0.0.1:0", "--data", s.data)
		if code != 1 || !strings.Contains(errs, fmt.Sprintf("in use by process %d", s.cmd.Process.Pid)) {
			t.Errorf("ended with %d: %s", code, errs)
		}
	})
	t.Run("taken port", func(t *testing.T) {
		code, _, errs := run(t, "serve", "--addr", s.addr, "--data", t.TempDir())
		if code != 1 || !strings.Contains(errs, s.addr+" is in use") {
			t.Errorf("ended with %d: %s", code, errs)
		}
	})
	t.Run("data is a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, errs := run(t, "serve", "--addr", "127.0.0.1:0", "--data", file)
		if code != 1 || !strings.Contains(errs, file) {
			t.Errorf("ended with %d: %s", code, errs)
		}
	})
	t.Run("data on a read-only place", func(t *testing.T) {
		code, _, errs := run(t, "serve", "--addr", "127.0.0.1:0", "--data", "/proc/tidings")
		if code != 1 || !strings.Contains(errs, "/proc/tidings") {
			t.Errorf("ended with %d: %s", code, errs)
		}
	})
	t.Run("key file open to others", func(t *testing.T) {
		data := t.TempDir()
		key, err := os.ReadFile(filepath.Join(s.data, "tidings.key"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(data, "tidings.key"), key, 0o644); err != nil {
			t.Fatal(err)
		}
		code, _, errs := run(t, "serve", "--addr", "127.0.0.1:0", "--data", data)
		if code != 1 || !strings.Contains(errs, "tidings.key") {
			t.Errorf("ended with %d: %s", code, errs)
		}
	})
}

func TestFlagsAreReadFromTheEnvironment(t *testing.T) {
	t.Setenv("TIDINGS_ADDR", "127.0.0.1:0")
	t.Setenv("TIDINGS_DATA", filepath.Join(t.TempDir(), "data"))
	t.Setenv("TIDINGS_LOG_FORMAT", "json")
	p := start(t, "serve")
	p.says(t, "is ready on http://127.0.0.1:")
	p.signal(syscall.SIGINT)
	if code := p.wait(t); code != 0 {
		t.Errorf("ended with %d after SIGINT", code)
	}
	if !strings.Contains(p.err.String(), `"msg":"stopped"`) {
		t.Errorf("the log is %s", p.err.String())
	}
}

// Each delivery under way takes an open file, so the soft limit of shells is too low.
func TestServerRaisesItsLimitOfOpenFiles(t *testing.T) {
	p := startCommand(t, exec.Command("sh", "-c", `ulimit -Sn 256 && exec "$0" serve --addr 127.0.0.1:0 --data "$1"`, binary(), t.TempDir()))
	p.says(t, "is ready on")
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`Max open files\s+(\d+)\s+(\d+)`).FindStringSubmatch(string(limits))
	if row == nil {
		t.Fatalf("no limit of open files in %s", limits)
	}
	soft, _ := strconv.Atoi(row[1])
	hard, _ := strconv.Atoi(row[2])
	if soft < hard-1 { // Go's runtime leaves one
		t.Errorf("the soft limit is %d, the hard one %d", soft, hard)
	}
}

func TestServerWithoutAdminTokenSaysHowToOpenTheAdminsOperations(t *testing.T) {
	t.Setenv("TIDINGS_ADDR", freeAddr(t))
	p := start(t, "serve", "--data", t.TempDir(), "--admin-token", "")
	p.says(t, "is ready on")
	s := &server{addr: os.Getenv("TIDINGS_ADDR")}
	err := s.as("whatever").do(t.Context(), http.MethodPost, "/v1/accounts", nil, map[string]string{"name": "x"}, nil)
	if err == nil || !strings.Contains(err.Error(), "--admin-token") {
		t.Errorf("creating an account: %v", err)
	}
}

func TestAccountIsCreatedAndListedFromTheCommandLine(t *testing.T) {
	s := newServer(t)
	code, out, errs := run(t, "account", "create", "Shop & Sons", "--server", "http://"+s.addr, "--json")
	var created struct {
		APIKey string `json:"apiKey"`
	}
	if err := json.Unmarshal([]byte(out), &created); code != 0 || err != nil || created.APIKey == "" {
		t.Fatalf("ended with %d: %s%s", code, out, errs)
	}
	s.as(created.APIKey).send(t, activities(1, 0, 1))
	if code, out, errs := run(t, "account", "list", "--server", "http://"+s.addr); code != 0 || !strings.Contains(out, "Shop & Sons") {
		t.Errorf("list ended with %d: %s%s", code, out, errs)
	}
	if code, _, errs := run(t, "account", "create", "X", "--server", "http://"+s.addr, "--admin-token", "not the right token"); code != 1 || !strings.Contains(errs, "not known") {
		t.Errorf("with a wrong token it ended with %d: %s", code, errs)
	}
	if code, _, errs := run(t, "account", "create", "X", "--server", "http://"+freeAddr(t)); code != 1 || !strings.Contains(errs, "no answer from") {
		t.Errorf("without a server it ended with %d: %s", code, errs)
	}
}

func TestListenVerifiesCountsAndFailsWhenToldTo(t *testing.T) {
	s := newServer(t)
	account := s.newAccount(t, "shop")
	secret := "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	addr := freeAddr(t)
	p := start(t, "listen", "--addr", addr, "--secret", secret, "--fail", "2", "--json")
	p.says(t, "listening")
	account.newEndpoint(t, map[string]any{"url": "http://" + addr + "/hook", "secret": secret})
	account.send(t, activities(1, 0, 12))
	p.says(t, `"answered":200`)
	p.signal(syscall.SIGINT)
	if code := p.wait(t); code != 0 {
		t.Errorf("ended with %d", code)
	}
	lines := strings.Split(strings.TrimSpace(p.out.String()), "\n")
	var summary struct {
		Summary struct{ Posts, Accepted, Activities, Refused, Broken, Unverified int }
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &summary); err != nil {
		t.Fatal(err)
	}
	if got := summary.Summary; got.Posts != 3 || got.Accepted != 1 || got.Activities != 12 || got.Refused != 2 || got.Broken+got.Unverified != 0 {
		t.Errorf("the summary is %+v", got)
	}
	if strings.Count(p.out.String(), `"verified":true`) != 3 {
		t.Errorf("not every POST was verified: %s", p.out.String())
	}
}

func TestListenShowsAForgeryLoudlyAndFails(t *testing.T) {
	addr := freeAddr(t)
	p := start(t, "listen", "--addr", addr, "--secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	p.says(t, "Listening")
	req, err := http.NewRequest(http.MethodPost, "http://"+addr, strings.NewReader(`[{"activityStatus":"READ"}]`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("webhook-id", "b_1")
	req.Header.Set("Tidings-Sequence", "1-1")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("answered %d", res.StatusCode)
	}
	p.says(t, "✗ not signed")
	p.signal(syscall.SIGTERM)
	if code := p.wait(t); code != 1 || !strings.Contains(p.err.String(), "1 signature wrong") {
		t.Errorf("ended with %d: %s", code, p.err.String())
	}
}

func TestDemoEndsByItselfVerifiedAndLeavesNothing(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	code, out, errs := run(t, "demo", "--for", "8s", "--rate", "30", "--addr", freeAddr(t))
	if code != 0 {
		t.Fatalf("ended with %d: %s%s", code, out, errs)
	}
	for _, want := range []string{
		"accepted", "delivered", "refused 503", "waiting", "caught up", "curl -u :tk_", "subscribed olena.bondar@mail.example", "Olena, your code is LVIV-",
		"opened it and went to the sale", "from event to activity", "Checked: every acknowledged activity was received",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the demo does not say %q:\n%s", want, out)
		}
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestDemoTakesAnotherPortAndEndsOnCtrlC(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	t.Setenv("TMPDIR", t.TempDir())
	p := start(t, "demo", "--addr", taken.Addr().String())
	p.says(t, "delivered")
	p.signal(syscall.SIGINT)
	if code := p.wait(t); code != 0 || !strings.Contains(p.out.String(), "Checked:") {
		t.Errorf("ended with %d: %s", code, p.err.String())
	}
	if strings.Contains(p.out.String(), "http://"+taken.Addr().String()) {
		t.Error("the demo says that it is on the port that was taken")
	}
}
