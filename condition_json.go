package tidings

import (
	"encoding/json"
	"fmt"
)

// conditionJSON is the JSON form of a condition: {"all":[…]}, {"any":[…]} or
// {"field":"TOWN","op":"equals","value":"Kyiv"}; value is an array with oneOf
// and notOneOf, absent with isSet and isEmpty.
type conditionJSON struct {
	All   []Condition     `json:"all,omitempty"`
	Any   []Condition     `json:"any,omitempty"`
	Field string          `json:"field,omitempty"`
	Op    Operator        `json:"op,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
}

// MarshalJSON gives the JSON form, values as texts.
func (c Condition) MarshalJSON() ([]byte, error) {
	form := conditionJSON{All: c.All, Any: c.Any, Field: c.Field, Op: c.Op}
	var err error
	switch {
	case c.Op.severalValues():
		form.Value, err = json.Marshal(c.Values)
	case len(c.Values) > 0:
		form.Value, err = json.Marshal(c.Values[0])
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(form)
}

// UnmarshalJSON reads the JSON form as MarshalJSON gives it.
func (c *Condition) UnmarshalJSON(data []byte) error {
	var form conditionJSON
	if err := json.Unmarshal(data, &form); err != nil {
		return fmt.Errorf("reading a condition: %w", err)
	}
	*c = Condition{All: form.All, Any: form.Any, Field: form.Field, Op: form.Op}
	if form.Value == nil {
		return nil
	}
	if c.Op.severalValues() {
		return json.Unmarshal(form.Value, &c.Values)
	}
	c.Values = make([]string, 1)
	return json.Unmarshal(form.Value, &c.Values[0])
}
