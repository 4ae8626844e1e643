package ui

// fieldJSON is an additional field, as the API gives it.
type fieldJSON struct {
	Key  string `json:"key"`
	Type string `json:"type"`
	Name string `json:"name"`
}

// label is what the field is called for people.
func (f fieldJSON) label() string {
	if f.Name == "" {
		return f.Key
	}
	return f.Name + " (" + f.Key + ")"
}

// fieldsJSON is all fields of contacts.
type fieldsJSON struct {
	Standard []string    `json:"standard"`
	Fields   []fieldJSON `json:"fields"`
}

// fields gives the fields of contacts.
func (v *visit) fields() (fieldsJSON, error) {
	var out fieldsJSON
	err := v.get("/v1/fields", nil, &out)
	return out, err
}
