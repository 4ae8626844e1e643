package e2e_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tidings/cmd/tidings/receiver"
)

// TestFullDiskIsSaidAndMended fills a small file system under a running
// server: what does not fit is answered 503 with the reason, what was
// acknowledged stays and is delivered, and when there is room again the server goes
// on without a restart.
func TestFullDiskIsSaidAndMended(t *testing.T) {
	disk := smallDisk(t, "24m")
	s := newServerIn(t, filepath.Join(disk, "data"))
	account := s.newAccount(t, "shop")
	sink := newSink(t, "")
	account.newEndpoint(t, map[string]any{"url": sink.URL})
	want := activities(1, 0, 10)
	account.send(t, want)
	sink.wants(t, 10)

	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)
	var refused refusal
	for next := int64(10); ; {
		list := activities(1, next, 500)
		var got accepted
		err := account.do(context.Background(), http.MethodPost, "/v1/activities", nil, list, &got)
		if r, ok := errors.AsType[refusal](err); ok {
			refused = r
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, list...)
		next += int64(len(list))
		if next > 1_000_000 {
			t.Fatal("a million activities fit on a full disk")
		}
	}
	if refused.status != http.StatusServiceUnavailable || !strings.Contains(refused.text, "full") || !strings.Contains(refused.text, `"code":"unavailable"`) {
		t.Errorf("a full disk is answered %v", refused)
	}
	if text := s.as("").refused(t, http.StatusServiceUnavailable, http.MethodGet, "/readyz", nil); !strings.Contains(text, "full") {
		t.Errorf("/readyz says %s", text)
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	more := activities(1, 2_000_000, 100)
	eventually(t, "activities are taken again", func() bool {
		var got accepted
		return account.do(context.Background(), http.MethodPost, "/v1/activities", nil, more, &got) == nil
	})
	want = append(want, more...)
	same(t, account.feed(t), want)
	sink.wants(t, len(want))
	same(t, sink.got(), want)
	s.as("").must(t, http.MethodGet, "/readyz", nil, nil)
	if n := sink.count(receiver.Repeat); n > 1 {
		t.Errorf("%d batches came again", n)
	}
	s.terminate()
}

// smallDisk gives a file system of a size that is gone after the test.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Fatalf("this test mounts a small tmpfs: run it as root, or under `unshare --map-root-user --mount`: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v\n%s", err, out)
		}
	})
	return dir
}

// fill writes a file that leaves no room but for a few pages.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for {
		if _, err := f.Write(block); err != nil {
			return // full
		}
	}
}
