package source

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object of a sender. What is not of the type that is asked
// for counts as missing: senders change their fields, and custom arguments may
// have their names.
type object map[string]json.RawMessage

// parseObject reads an object; false when it is something else.
func parseObject(raw []byte) (object, bool) {
	var o object
	err := json.Unmarshal(raw, &o)
	return o, err == nil && o != nil
}

// str gives a string, or a number or boolean as it is written; "" when there
// is none. Of an array it gives the first element's (the tags of SES).
func (o object) str(key string) string { return scalar(o[key]) }

func scalar(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return ""
		}
		return s
	case '[':
		var all []json.RawMessage
		if json.Unmarshal(raw, &all) != nil || len(all) == 0 || bytes.HasPrefix(all[0], []byte("[")) {
			return ""
		}
		return scalar(all[0])
	case '{', 'n':
		return ""
	}
	return string(raw)
}

// is says whether a boolean is true.
func (o object) is(key string) bool { return string(bytes.TrimSpace(o[key])) == "true" }

// in gives an object within; an empty one when there is none.
func (o object) in(key string) object {
	inner, _ := parseObject(o[key])
	return inner
}

// strings gives an array's strings, or a lone one.
func (o object) strings(key string) []string {
	var all []string
	if json.Unmarshal(o[key], &all) == nil {
		return all
	}
	if s := o.str(key); s != "" {
		return []string{s}
	}
	return nil
}

// objects gives the objects of an array, at most n.
func (o object) objects(key string, n int) []object {
	var raws []json.RawMessage
	if json.Unmarshal(o[key], &raws) != nil {
		return nil
	}
	var all []object
	for _, raw := range raws[:min(len(raws), n)] {
		if inner, ok := parseObject(raw); ok {
			all = append(all, inner)
		}
	}
	return all
}

// seconds gives a time in seconds since 1970, with a fraction or without, as a
// number or a string; zero when there is none.
func (o object) seconds(key string) time.Time {
	text := o.str(key)
	whole, fraction, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || s < 0 || s > 1<<35 {
		return time.Time{}
	}
	nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64) // what is no number is no fraction
	return time.Unix(s, max(nanos, 0)).UTC()
}

// time gives a time of RFC 3339, zero when there is none.
func (o object) time(key string) time.Time {
	t, err := time.Parse(time.RFC3339, o.str(key))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
