package publicapi

import (
	"bytes"
	"encoding/json"
	"strconv"

	"tidings"
)

// appendRow appends an activity in the published form: two tokens under other
// names than on the wire, and the row's offset at the end. All else is the
// stored bytes, which were checked when they came in.
func appendRow(buf []byte, row tidings.Found) []byte {
	wire := row.Wire
	start := 0 // of what is not copied yet
	depth, inKey := 0, false
	for i := 0; i < len(wire); i++ {
		switch wire[i] {
		case '{', '[':
			depth++
			inKey = depth == 1
		case '}', ']':
			depth--
		case ',':
			inKey = depth == 1
		case ':':
			inKey = false
		case '"':
			end := stringEnd(wire, i)
			if inKey {
				if name := published(wire[i:end]); name != "" {
					buf = append(buf, wire[start:i]...)
					buf = append(buf, name...)
					start = end
				}
			}
			i = end - 1
		}
	}
	buf = append(buf, wire[start:len(wire)-1]...)
	buf = append(buf, `,"offset":"`...)
	buf = strconv.AppendInt(buf, int64(row.Seq), 10)
	return append(buf, `"}`...)
}

// stringEnd gives the index after the string that begins at i.
func stringEnd(wire []byte, i int) int {
	for i++; i < len(wire) && wire[i] != '"'; i++ {
		if wire[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(wire))
}

// published gives the published name of a key (both with their quotes), "" when it stays.
func published(key []byte) string {
	if bytes.IndexByte(key, '\\') >= 0 { // written with escapes: the same name all the same
		var name string
		if json.Unmarshal(key, &name) != nil {
			return ""
		}
		key = []byte(`"` + name + `"`)
	}
	switch string(key) {
	case `"webpush"`:
		return `"webPushToken"`
	case `"mobilepush"`:
		return `"mobPushToken"`
	}
	return ""
}
