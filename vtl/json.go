package vtl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
)

// maxJSONDepth bounds how deep JSON input may nest.
const maxJSONDepth = 500

// ParseJSON turns a JSON text into a value without loss: objects become maps in the
// order of their keys (of equal keys the last one counts), whole numbers become
// Integers, Longs or BigIntegers, whichever is the smallest that holds them, and
// numbers with a point or an exponent become Doubles. The error names line and column.
func ParseJSON(data []byte) (Value, error) {
	text := jsonText{src: string(data)}
	if v, ok := text.parse(); ok {
		return v, nil
	}
	return readJSON(data)
}

// readJSON is ParseJSON by encoding/json.
func readJSON(data []byte) (Value, error) {
	d := jsonReader{dec: json.NewDecoder(bytes.NewReader(data))}
	d.dec.UseNumber()
	v, err := d.value(0)
	if err == nil {
		if _, end := d.dec.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows the value")
		}
	}
	if err != nil {
		line, col := (origin{1, 1}).position(string(data), d.offset(data))
		return Null, fmt.Errorf("JSON, line %d, column %d: %w", line, col, err)
	}
	return v, nil
}

// offset is where an error was found. The decoder counts from the value that it reads;
// a look at the whole text knows better.
func (d *jsonReader) offset(data []byte) int {
	var whole json.RawMessage
	var syntax *json.SyntaxError
	if errors.As(json.Unmarshal(data, &whole), &syntax) {
		return int(max(syntax.Offset-1, 0))
	}
	return int(d.dec.InputOffset())
}

type jsonReader struct{ dec *json.Decoder }

func (d *jsonReader) value(depth int) (Value, error) {
	tok, err := d.dec.Token()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return Null, err
	}
	switch t := tok.(type) {
	case json.Delim:
		if depth >= maxJSONDepth {
			return Null, errors.New("nested too deep")
		}
		if t == '{' {
			return d.object(depth + 1)
		}
		return d.array(depth + 1)
	case string:
		return String(t), nil
	case bool:
		return Bool(t), nil
	case json.Number:
		return jsonNumber(string(t))
	}
	return Null, nil
}

func (d *jsonReader) object(depth int) (Value, error) {
	m := NewMap(0)
	for d.dec.More() {
		key, err := d.dec.Token()
		if err != nil {
			return Null, err
		}
		val, err := d.value(depth)
		if err != nil {
			return Null, err
		}
		m.Set(key.(string), val)
	}
	_, err := d.dec.Token()
	return MapValue(m), err
}

func (d *jsonReader) array(depth int) (Value, error) {
	l := &List{}
	for d.dec.More() {
		item, err := d.value(depth)
		if err != nil {
			return Null, err
		}
		l.items = append(l.items, item)
	}
	_, err := d.dec.Token()
	return ListValue(l), err
}

// jsonNumber keeps the size of whole numbers.
func jsonNumber(s string) (Value, error) {
	if strings.ContainsAny(s, ".eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return Null, err
		}
		return Float(f), nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Int(n), nil
	}
	if len(s) > maxLiteralDigits {
		return Null, errors.New("a number has too many digits")
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return Null, errors.New("not a number: " + s)
	}
	return BigInt(n), nil
}
