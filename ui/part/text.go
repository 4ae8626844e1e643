package part

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// cutMiddle shortens a text to about limit characters by an ellipsis in its middle.
func cutMiddle(text string, limit int) string {
	if limit < 5 || utf8.RuneCountInString(text) <= limit {
		return text
	}
	runes := []rune(text)
	head := limit / 2
	tail := limit - 1 - head
	return string(runes[:head]) + "…" + string(runes[len(runes)-tail:])
}

// Bytes writes a size for people: 812 B, 1.2 kB, 3.4 MB (powers of 1000).
func Bytes(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	size, unit := float64(n), ""
	for _, unit = range []string{"kB", "MB", "GB", "TB"} {
		size /= 1000
		if size < 999.95 {
			break
		}
	}
	return fmt.Sprintf("%s %s", strings.TrimSuffix(fmt.Sprintf("%.1f", size), ".0"), unit)
}

// slug makes an id out of a label: letters, digits and dashes.
func slug(label string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + ('a' - 'A')
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return '-'
	}, label), "-")
}
