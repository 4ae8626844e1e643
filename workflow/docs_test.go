package workflow

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"tidings"
)

func TestTheDocumentationKnowsEveryKindOperatorAndExit(t *testing.T) {
	text, err := os.ReadFile("../docs/workflows.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, op := range tidings.Operators() {
		if !strings.Contains(page, "`"+string(op)+"`") {
			t.Errorf("the operator %s is missing", op)
		}
	}
	for _, kind := range tidings.BlockKinds() {
		if !strings.Contains(page, "`"+string(kind)+"`") {
			t.Errorf("the kind %s is missing", kind)
		}
		for _, e := range kind.Exits() {
			if !strings.Contains(page, "`"+string(e)+"`") {
				t.Errorf("the exit %s is missing", e)
			}
		}
	}
	examples := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(examples) == 0 {
		t.Fatal("the page has no example")
	}
	for _, example := range examples {
		definition(t, example[1], shop().known())
	}
}
