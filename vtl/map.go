package vtl

import (
	"strconv"
	"unsafe"
)

// indexFrom is the number of entries from which a map keeps a hash index; below it
// a look through the keys is faster.
const indexFrom = 9

// Map is a map of values that keeps the order in which keys were first put in:
// LinkedHashMap. Keys of different kinds differ: 1 is not '1'. For who may change a
// map see List.
type Map struct {
	entries []pair
	index   map[string]int32 // by keyText; nil while the map is small
	mods    int
	live    bool
}

type pair struct{ key, val Value }

// entry is a Map.Entry: of a map, or standing alone (in nil).
type entry struct {
	key, val Value
	in       *Map
}

// NewMap makes an empty map with room for n entries.
func NewMap(n int) *Map { return &Map{entries: make([]pair, 0, n)} }

// Len returns the number of entries.
func (m *Map) Len() int { return len(m.entries) }

// At returns entry i in order; i must be in [0, Len).
func (m *Map) At(i int) (key, val Value) { return m.entries[i].key, m.entries[i].val }

// Get returns the value of a string key. A key with a null value is there.
func (m *Map) Get(key string) (Value, bool) {
	if i := m.findString(key); i >= 0 {
		return m.entries[i].val, true
	}
	return Null, false
}

// Lookup makes a Map the variables of a render; a nil Map has none.
func (m *Map) Lookup(name string) (Value, bool) {
	if m == nil {
		return Null, false
	}
	return m.Get(name)
}

// Set puts a value under a string key; the order of known keys stays. It is for
// building a map before a render sees it.
func (m *Map) Set(key string, val Value) { m.put(String(key), val) }

// Put puts a value under any key; see Set.
func (m *Map) Put(key, val Value) { m.put(key, val) }

func (m *Map) findString(key string) int {
	if m.index != nil {
		if i, ok := m.index[stringKeyText(key)]; ok {
			return int(i)
		}
		return -1
	}
	for i := range m.entries {
		k := &m.entries[i].key
		if k.kind == KindString && k.str() == key {
			return i
		}
	}
	return -1
}

func (m *Map) find(key Value) int {
	if key.kind == KindString {
		return m.findString(key.str())
	}
	if m.index != nil {
		if i, ok := m.index[keyText(key)]; ok {
			return int(i)
		}
		return -1
	}
	text := keyText(key)
	for i := range m.entries {
		k := m.entries[i].key
		if k.kind == key.kind && keyText(k) == text {
			return i
		}
	}
	return -1
}

// put returns the value that was there.
func (m *Map) put(key, val Value) (old Value) {
	if i := m.find(key); i >= 0 {
		old = m.entries[i].val
		m.entries[i].val = val
		return old
	}
	m.entries = append(m.entries, pair{key, val})
	m.mods++
	switch {
	case m.index != nil:
		m.index[keyText(key)] = int32(len(m.entries) - 1)
	case len(m.entries) == indexFrom:
		m.reindex()
	}
	return Null
}

func (m *Map) remove(key Value) (old Value, ok bool) {
	i := m.find(key)
	if i < 0 {
		return Null, false
	}
	old = m.entries[i].val
	m.entries = append(m.entries[:i], m.entries[i+1:]...)
	m.mods++
	if m.index == nil {
		return old, true
	}
	delete(m.index, keyText(key))
	if i < len(m.entries) {
		for text, at := range m.index {
			if int(at) > i {
				m.index[text] = at - 1
			}
		}
	}
	return old, true
}

func (m *Map) clear() {
	m.entries, m.index = nil, nil
	m.mods++
}

func (m *Map) reindex() {
	m.index = nil
	if len(m.entries) < indexFrom {
		return
	}
	m.index = make(map[string]int32, len(m.entries)*2)
	for i := range m.entries {
		m.index[keyText(m.entries[i].key)] = int32(i)
	}
}

// clone copies the map, not what its values refer to.
func (m *Map) clone() *Map {
	c := &Map{entries: append(make([]pair, 0, len(m.entries)+1), m.entries...), live: true}
	c.reindex()
	return c
}

func (m *Map) entryAt(i int) Value {
	e := &entry{key: m.entries[i].key, val: m.entries[i].val, in: m}
	return Value{kind: KindEntry, ref: unsafe.Pointer(e)}
}

// value reads through to the map, so that an entry shows later changes.
func (e *entry) value() Value {
	if e.in != nil {
		if i := e.in.find(e.key); i >= 0 {
			return e.in.entries[i].val
		}
	}
	return e.val
}

// keyText makes the keys of the index: equal for equal keys, different for keys of
// different kinds.
func keyText(key Value) string {
	if key.kind == KindString {
		return stringKeyText(key.str())
	}
	text := ""
	if key.kind >= KindList {
		text = strconv.FormatUint(uint64(uintptr(key.ref)), 16) // identity
	} else {
		text = plainText(key)
	}
	return "\x00" + string(rune('A'+key.kind)) + text
}

// stringKeyText keeps strings that look like another kind's key apart from it.
func stringKeyText(s string) string {
	if s != "" && s[0] == 0 {
		return "\x00\x00" + s
	}
	return s
}
