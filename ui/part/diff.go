package part

import (
	"bytes"
	"encoding/json"
	"strings"
)

// DiffView is two states of something.
type DiffView struct {
	Label         string
	Before, After []byte // JSON; what isn't is compared as text. Empty = there was or is nothing
}

// diffLine is one line of a comparison.
type diffLine struct {
	kind rune // '+' added, '-' removed, ' ' the same
	text string
}

func (l diffLine) class() string {
	switch l.kind {
	case '+':
		return "ln added"
	case '-':
		return "ln removed"
	}
	return "ln"
}

// word says the kind to those who don't see the sign.
func (l diffLine) word() string {
	switch l.kind {
	case '+':
		return "added: "
	case '-':
		return "removed: "
	}
	return ""
}

// maxDiffCells bounds the table of the comparison; beyond it the differing
// middle is shown as all removed, then all added.
const maxDiffCells = 4_000_000

func (v DiffView) lines() []diffLine { return diff(indented(v.Before), indented(v.After)) }

func indented(text []byte) []string {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return strings.Split(string(text), "\n")
	}
	return strings.Split(b.String(), "\n")
}

// diff compares lines by their longest common subsequence, removed before added.
func diff(before, after []string) []diffLine {
	head := 0
	for head < len(before) && head < len(after) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < len(before)-head && tail < len(after)-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	lines := mark(' ', before[:head])
	lines = append(lines, diffMiddle(before[head:len(before)-tail], after[head:len(after)-tail])...)
	return append(lines, mark(' ', before[len(before)-tail:])...)
}

func mark(kind rune, texts []string) []diffLine {
	lines := make([]diffLine, len(texts))
	for i, t := range texts {
		lines[i] = diffLine{kind, t}
	}
	return lines
}

func diffMiddle(a, b []string) []diffLine {
	if len(a)*len(b) > maxDiffCells || len(a) == 0 || len(b) == 0 {
		return append(mark('-', a), mark('+', b)...)
	}
	common := commonLengths(a, b)
	var lines []diffLine
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			lines = append(lines, diffLine{' ', a[i]})
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			lines = append(lines, diffLine{'-', a[i]})
			i++
		default:
			lines = append(lines, diffLine{'+', b[j]})
			j++
		}
	}
	return append(append(lines, mark('-', a[i:])...), mark('+', b[j:])...)
}

// commonLengths gives, at i and j, how many lines a[i:] and b[j:] have in common in order.
func commonLengths(a, b []string) [][]int32 {
	common := make([][]int32, len(a)+1)
	for i := range common {
		common[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	return common
}
