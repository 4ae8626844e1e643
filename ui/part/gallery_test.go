package part

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
)

// The gallery shows every component once, to be looked at:
//
//	go test ./ui/part -run Gallery -gallery /tmp/gallery
var galleryDir = flag.String("gallery", "", "folder that the gallery's pages are written to")

// clock is a fixed one, for pages that are the same each time.
func clock() Clock {
	return Clock{Language: "en-GB", Now: time.Date(2026, 3, 2, 14, 20, 0, 0, time.UTC)}
}

func ago(d time.Duration) time.Time { return clock().Now.Add(-d) }

func asset(name string) string { return "static/" + name }

func shellView() ShellView {
	return ShellView{
		Title: "orders-hook", Purpose: "Follows the activities of Acme and posts them to crm.example, in order.",
		Path: "/settings/laboratory/7", Account: "Acme", UserName: "ann@acme.example", Asset: asset,
		Crumbs: []Link{{"Laboratory", "/settings/laboratory"}}, Operator: true,
		Flash:   &Flash{Meaning: Good, Text: "Saved.", Detail: "The address answered 200 in 84 ms."},
		Actions: templ.Join(LinkButton("Seek…", "/seek", Secondary), Button(ButtonView{Label: "Try now", Kind: Primary, Busy: "Trying…"}), endpointMenu()),
	}
}

// render gives the HTML of a component.
func render(t *testing.T, c templ.Component, children ...templ.Component) string {
	t.Helper()
	ctx := context.Background()
	if len(children) > 0 {
		ctx = templ.WithChildren(ctx, templ.Join(children...))
	}
	var b bytes.Buffer
	if err := c.Render(ctx, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func galleryPages() map[string]templ.Component {
	bare := BareView{Title: "Sign in", Purpose: "Tidings of Acme Shop", Asset: asset, Flash: &Flash{Meaning: Bad, Text: "This email and password don't belong together."}}
	return map[string]templ.Component{
		"endpoint": galleryEndpoint(shellView()),
		"forms":    galleryForms(shellView()),
		"data":     galleryData(shellView()),
		"sign-in":  gallerySignIn(bare),
	}
}

func TestGalleryRendersWholePages(t *testing.T) {
	for name, page := range galleryPages() {
		html := render(t, page)
		if !strings.HasPrefix(html, "<!doctype html>") || !strings.HasSuffix(html, "</html>") {
			t.Errorf("%s is not a whole page: %.40q … %.40q", name, html, html[max(len(html)-40, 0):])
		}
		if *galleryDir == "" {
			continue
		}
		for _, theme := range []string{"light", "dark"} {
			themed := strings.Replace(html, `data-theme="system"`, `data-theme="`+theme+`"`, 1)
			if err := os.WriteFile(filepath.Join(*galleryDir, name+"-"+theme+".html"), []byte(themed), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestGalleryShowsEveryComponent: what isn't in the gallery is not looked at
// and not checked by the tests that walk it.
func TestGalleryShowsEveryComponent(t *testing.T) {
	pages, err := os.ReadFile("gallery_pages_test.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.templ")
	if err != nil {
		t.Fatal(err)
	}
	exported := regexp.MustCompile(`(?m)^templ ([A-Z]\w*)\(`)
	seen := 0
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range exported.FindAllSubmatch(text, -1) {
			seen++
			if !regexp.MustCompile(`\b` + string(m[1]) + `\(`).Match(pages) {
				t.Errorf("%s: %s is not in the gallery", f, m[1])
			}
		}
	}
	if seen < 40 {
		t.Errorf("found %d components: the test looks in the wrong place", seen)
	}
}
