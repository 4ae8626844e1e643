package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Limits of the small JSON bodies; activities have their own (ingest.go), and a
// body with a method maxBytes has that in place of maxBody.
const (
	maxBody     = 256 << 10
	maxDepth    = 16
	bodyTimeout = 10 * time.Second
)

// body is a request's JSON object, read strictly: one object, no unknown or
// repeated key, exact spelling, exact types, no null where the field does not
// say so, and every fault named. huma's own reading is not used because it
// takes keys in any case and repeats the values it refuses, passwords among them.
//
// It is a huma resolver; its owner takes the error first (see operate).
type body[B any] struct {
	value B
	err   error
}

// Resolve reads the body. The error is kept, not given to huma, so that it
// reaches the client with its code and fields.
func (b *body[B]) Resolve(ctx huma.Context) []error {
	// A reader without deadlines (a test's) is read without one.
	_ = ctx.SetReadDeadline(time.Now().Add(bodyTimeout))
	var data []byte
	limit := maxBody
	if v, ok := any(&b.value).(interface{ maxBytes() int }); ok {
		limit = v.maxBytes()
	}
	if data, b.err = readSmall(ctx.Header("Content-Type"), ctx.BodyReader(), limit); b.err == nil {
		_ = ctx.SetReadDeadline(time.Time{}) // what is left of a body that was refused keeps it
		b.err = decodeStrict(data, &b.value)
	}
	return nil
}

func (b *body[B]) failure() error { return b.err }

// schemaType tells the OpenAPI document what the body is.
func (b *body[B]) schemaType() reflect.Type { return reflect.TypeFor[B]() }

func readSmall(contentType string, r io.Reader, limit int) ([]byte, error) {
	if contentType != "" {
		if t, _, err := mime.ParseMediaType(contentType); err != nil || t != "application/json" {
			return nil, tidings.Errorf(tidings.CodeUnsupported, "the body must be application/json")
		}
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, readFailure(err)
	}
	if len(data) > limit {
		return nil, tidings.Errorf(tidings.CodeTooLarge, "the body is over %d bytes", limit)
	}
	return data, nil
}

// readFailure says why a body could not be read to its end.
func readFailure(err error) error {
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return &answered{status: http.StatusRequestTimeout, err: tidings.Errorf(tidings.CodeInvalid, "the body came too slowly: nothing was stored")}
	}
	return unreadable("the body ended before its announced length: nothing was stored")
}

// decodeStrict reads one JSON value into v, a pointer to a struct.
func decodeStrict(data []byte, v any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		data = []byte("{}") // an act without options needs no body
	}
	if !utf8.Valid(data) {
		return unreadable("the body is not UTF-8")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		if at, ok := errors.AsType[*json.SyntaxError](err); ok {
			return unreadable(fmt.Sprintf("the body is not JSON: at byte %d: %s", at.Offset, at.Error()))
		}
		return unreadable("the body is not JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	d := &decoder{}
	root, err := d.tree(dec, "", 0)
	if err != nil {
		return err
	}
	d.assign(root, reflect.ValueOf(v).Elem(), "")
	if len(d.faults) > 0 {
		return &tidings.Error{Code: tidings.CodeInvalid, Message: "the body breaks the rules", Fields: d.faults}
	}
	return nil
}

// node is one JSON value: what it is, and its parts.
type node struct {
	kind  string // "an object", "an array", "a string", "a number", "a boolean", "null"
	text  string // of a string, number or boolean
	keys  []string
	parts []node
}

// fieldDecoder is a type that reads itself from a node.
type fieldDecoder interface {
	decodeField(d *decoder, n node, path string)
}

type decoder struct{ faults []tidings.FieldError }

func (d *decoder) fault(path, format string, args ...any) {
	d.faults = append(d.faults, tidings.FieldError{Index: -1, Field: path, Reason: fmt.Sprintf(format, args...)})
}

// tree reads the next value. The syntax was checked before.
func (d *decoder) tree(dec *json.Decoder, path string, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, unreadable(fmt.Sprintf("the body is nested deeper than %d", maxDepth))
	}
	token, err := dec.Token()
	if err != nil {
		return node{}, fmt.Errorf("reading checked JSON: %w", err)
	}
	switch t := token.(type) {
	case json.Delim:
		return d.branch(dec, t, path, depth)
	case string:
		return node{kind: "a string", text: t}, nil
	case json.Number:
		return node{kind: "a number", text: t.String()}, nil
	case bool:
		return node{kind: "a boolean", text: strconv.FormatBool(t)}, nil
	}
	return node{kind: "null"}, nil
}

func (d *decoder) branch(dec *json.Decoder, open json.Delim, path string, depth int) (node, error) {
	n := node{kind: "an array"}
	if open == '{' {
		n.kind = "an object"
	}
	for dec.More() {
		at := path
		if open == '{' {
			token, err := dec.Token()
			if err != nil {
				return n, fmt.Errorf("reading checked JSON: %w", err)
			}
			key, _ := token.(string)
			at = join(path, key)
			for _, k := range n.keys {
				if k == key {
					d.fault(at, "is given twice")
				}
			}
			n.keys = append(n.keys, key)
		}
		part, err := d.tree(dec, at, depth+1)
		if err != nil {
			return n, err
		}
		n.parts = append(n.parts, part)
	}
	_, err := dec.Token() // the closing bracket
	return n, err
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func (d *decoder) assign(n node, v reflect.Value, path string) {
	if f, ok := v.Addr().Interface().(fieldDecoder); ok {
		f.decodeField(d, n, path)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.object(n, v, path)
	case reflect.Slice:
		if !d.want(n, "an array", path) {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.parts), len(n.parts)))
		for i, p := range n.parts {
			d.assign(p, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.String:
		if d.want(n, "a string", path) {
			v.SetString(n.text)
		}
	case reflect.Bool:
		if d.want(n, "a boolean", path) {
			v.SetBool(n.text == "true")
		}
	case reflect.Int, reflect.Int64:
		if !d.want(n, "a number", path) {
			return
		}
		i, err := strconv.ParseInt(n.text, 10, 64)
		if err != nil {
			d.fault(path, "must be a whole number")
			return
		}
		v.SetInt(i)
	default:
		panic("api: a request body can't have a field of type " + v.Type().String())
	}
}

func (d *decoder) want(n node, kind, path string) bool {
	if n.kind != kind {
		d.fault(path, "must be %s, is %s", kind, n.kind)
		return false
	}
	return true
}

func (d *decoder) object(n node, v reflect.Value, path string) {
	if !d.want(n, "an object", path) {
		return
	}
	names := jsonNames(v.Type())
	for i, key := range n.keys {
		at := slices.Index(names, key)
		switch {
		case at >= 0:
			d.assign(n.parts[i], v.Field(at), join(path, key))
		case len(names) == 0:
			d.fault(join(path, key), "is not known here: this takes no options")
		default:
			d.fault(join(path, key), "is not known here: use %s", strings.Join(names, ", "))
		}
	}
}

// jsonNames lists the JSON names of a struct's fields, in their order.
func jsonNames(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
	}
	return names
}

// optional is a field that may be absent (unchanged, or the default on create) or
// null (the default), as a JSON merge patch (RFC 7396) needs it.
type optional[T any] struct {
	set   bool // the key is there
	null  bool // and says null
	value T
}

func (o *optional[T]) decodeField(d *decoder, n node, path string) {
	o.set = true
	if n.kind == "null" {
		o.null = true
		return
	}
	d.assign(n, reflect.ValueOf(&o.value).Elem(), path)
}

// Schema shows the field as what it holds, or null. It is huma's SchemaProvider.
func (o optional[T]) Schema(r huma.Registry) *huma.Schema {
	s := r.Schema(reflect.TypeFor[T](), true, "")
	s.Nullable = s.Type != "" // huma can't say it of a reference
	return s
}

// put stores the field into dst: unchanged when absent, def when null.
func (o *optional[T]) put(dst *T, def T) {
	switch {
	case !o.set:
	case o.null:
		*dst = def
	default:
		*dst = o.value
	}
}
