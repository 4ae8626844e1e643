package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const adminToken = "bench-admin-token-0123456789"

// process is a child under measure: the server, or the bare pipeline in its place.
type process struct {
	url string
	cmd *exec.Cmd
	log *bytes.Buffer
}

// startServer runs `tidings serve` on a data directory, with further flags, and
// waits until it is ready.
func (r *run) startServer(ctx context.Context, dir string, flags ...string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p, err := r.start(append([]string{
		"serve", "--addr", addr, "--data", dir, "--admin-token", adminToken,
		"--egress-allow", "127.0.0.0/8", "--log-level", "error",
	}, flags...)...)
	if err != nil {
		return nil, err
	}
	p.url = "http://" + addr
	return p, p.ready(ctx)
}

// startBare runs the bare pipeline as a process of its own.
func (r *run) startBare(ctx context.Context, dir, to string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p, err := r.start("bench", "--bare-addr", addr, "--bare-file", filepath.Join(dir, "bare.log"), "--bare-to", to)
	if err != nil {
		return nil, err
	}
	p.url = "http://" + addr
	return p, p.listening(ctx, addr)
}

func (r *run) start(args ...string) (*process, error) {
	p := &process{cmd: exec.Command(r.cfg.Program, args...), log: &bytes.Buffer{}}
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

const startLimit = 30 * time.Second

func (p *process) ready(ctx context.Context) error {
	return p.until(ctx, func() bool {
		resp, err := http.Get(p.url + "/readyz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

func (p *process) listening(ctx context.Context, addr string) error {
	return p.until(ctx, func() bool {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}

func (p *process) until(ctx context.Context, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s did not start in %v: %s", p.cmd, startLimit, p.log)
		}
	}
	return nil
}

// stop asks the process to end and waits for it.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	err := p.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && !exit.Exited() {
		return nil // the bare pipeline just dies
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", p.cmd, err, p.log)
	}
	return nil
}

// cpu is the processor time that the process has used.
func (p *process) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	fields := strings.Fields(string(rest))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc stat has %d fields", len(fields))
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	const tick = 10 * time.Millisecond // USER_HZ is 100 on Linux
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

// memory is the resident set of the process in bytes.
func (p *process) memory() (float64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return kib * 1024, err
		}
	}
	return 0, errors.New("no VmRSS in /proc status")
}

// account makes an account and gives its key.
func (p *process) account(ctx context.Context, name string) (string, error) {
	var made struct{ APIKey string }
	err := p.ask(ctx, http.MethodPost, "/v1/accounts", adminToken, map[string]any{"name": name}, &made)
	return made.APIKey, err
}

// endpoint makes an endpoint and gives its id.
func (p *process) endpoint(ctx context.Context, key, url string, options map[string]any) (int64, error) {
	options["url"] = url
	if options["name"] == nil {
		options["name"] = url
	}
	options["signing"] = false // the bare client signs nothing
	var made struct {
		ID    int64
		State string
		Probe struct{ Error string }
	}
	if err := p.ask(ctx, http.MethodPost, "/v1/endpoints", key, options, &made); err != nil {
		return 0, err
	}
	if made.State != "active" {
		return 0, fmt.Errorf("endpoint %s is %s: %s", url, made.State, made.Probe.Error)
	}
	return made.ID, nil
}

// ask calls the API.
func (p *process) ask(ctx context.Context, method, path, key string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}
