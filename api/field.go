package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tidings"
)

// Fields is what the API asks of a store about the additional fields of
// contacts. Every change leaves its audit record.
type Fields interface {
	Fields(ctx context.Context, account tidings.AccountID) ([]tidings.Field, error)
	CreateField(ctx context.Context, f tidings.Field, actor string) (tidings.Field, error)
	RenameField(ctx context.Context, account tidings.AccountID, key tidings.FieldKey, name, actor string) error
	// DeleteField removes a field with its values; CodeConflict when a segment's condition names it.
	DeleteField(ctx context.Context, account tidings.AccountID, key tidings.FieldKey, actor string) error
}

type newFieldJSON struct {
	Key  optional[string] `json:"key,omitempty" maxLength:"100" doc:"Such as PERSONAL.BONUS: letters (A-Z), digits and _, a dot between group and name. Small letters become capitals."`
	Type optional[string] `json:"type,omitempty" enum:"text,number,date,bool,list" doc:"Of all its values; it can't be changed."`
	Name optional[string] `json:"name,omitempty" maxLength:"200" doc:"What it is called for people."`
}

type renameFieldJSON struct {
	Name optional[string] `json:"name,omitempty" maxLength:"200" doc:"What it is called for people; null = nothing."`
}

type fieldJSON struct {
	Key       tidings.FieldKey  `json:"key"`
	Type      tidings.FieldType `json:"type" enum:"text,number,date,bool,list"`
	Name      string            `json:"name"`
	CreatedAt time.Time         `json:"createdAt"`
}

type fieldsJSON struct {
	Standard []string    `json:"standard" doc:"The fields that every contact has. Templates and conditions name all fields in any case."`
	Fields   []fieldJSON `json:"fields" doc:"The account's additional fields, by key."`
}

type shownField struct{ Body fieldJSON }

type fieldPath struct {
	Key string `path:"key" maxLength:"100" doc:"The field's key, in any case."`
}

func fieldView(f *tidings.Field) fieldJSON {
	return fieldJSON{Key: f.Key, Type: f.Type, Name: f.Name, CreatedAt: f.CreatedAt}
}

func (s *Server) registerFields() {
	read, manage := access{scope: tidings.ScopeRead}, access{scope: tidings.ScopeManage}
	operate(s, huma.Operation{
		OperationID: "list-fields", Method: http.MethodGet, Path: "/v1/fields", Tags: []string{"Contacts"},
		Summary: "List the fields of contacts", Errors: []int{503},
		Extensions: curl(`curl $TIDINGS/v1/fields -H "Authorization: Bearer $KEY"`),
	}, read, s.listFields)
	operate(s, huma.Operation{
		OperationID: "create-field", Method: http.MethodPost, Path: "/v1/fields", Tags: []string{"Contacts"}, DefaultStatus: http.StatusCreated,
		Summary: "Add a field", Errors: []int{400, 408, 409, 413, 415, 422, 503},
		Extensions: curl(`curl -X POST $TIDINGS/v1/fields -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"key":"PERSONAL.BONUS","type":"number"}'`),
	}, manage, s.createField)
	operate(s, huma.Operation{
		OperationID: "change-field", Method: http.MethodPatch, Path: "/v1/fields/{key}", Tags: []string{"Contacts"},
		Summary: "Change what a field is called", Errors: []int{400, 404, 408, 413, 415, 422, 503},
		Extensions: curl(`curl -X PATCH $TIDINGS/v1/fields/PERSONAL.BONUS -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"name":"Bonus points"}'`),
	}, manage, s.renameField)
	operate(s, huma.Operation{
		OperationID: "delete-field", Method: http.MethodDelete, Path: "/v1/fields/{key}", Tags: []string{"Contacts"},
		Summary: "Delete a field with its values", Description: "409: the condition of a segment names it, or a workflow or message uses it; the answer says which.", Errors: []int{400, 404, 409, 503},
		Extensions: curl(`curl -X DELETE $TIDINGS/v1/fields/PERSONAL.BONUS -H "Authorization: Bearer $KEY"`),
	}, manage, s.deleteField)
}

func (s *Server) listFields(ctx context.Context, c caller, _ *struct{}) (*struct{ Body fieldsJSON }, error) {
	fields, err := s.store.Fields(ctx, c.account())
	if err != nil {
		return nil, err
	}
	out := fieldsJSON{Standard: tidings.StandardFields(), Fields: make([]fieldJSON, len(fields))}
	for i := range fields {
		out.Fields[i] = fieldView(&fields[i])
	}
	return &struct{ Body fieldsJSON }{out}, nil
}

func (s *Server) createField(ctx context.Context, c caller, in *struct{ JSON body[newFieldJSON] }) (*shownField, error) {
	asked := &in.JSON.value
	d := &decoder{}
	key, reason := tidings.CheckFieldKey(asked.Key.value)
	if reason != "" {
		d.fault("key", "%s", reason)
	}
	f := tidings.Field{Account: c.account(), Key: key, Type: tidings.FieldType(asked.Type.value), Name: asked.Name.value}
	if reason := tidings.CheckFieldType(f.Type); reason != "" {
		d.fault("type", "%s", reason)
	}
	d.label("name", f.Name)
	if len(d.faults) > 0 {
		return nil, &tidings.Error{Code: tidings.CodeInvalid, Message: "the field breaks the rules: nothing was made", Fields: d.faults}
	}
	f, err := s.store.CreateField(ctx, f, c.actor())
	if err != nil {
		return nil, err
	}
	return &shownField{fieldView(&f)}, nil
}

// label checks what something is called for people; it may be nothing.
func (d *decoder) label(path, name string) {
	if name == "" {
		return
	}
	if reason := tidings.CheckName(name); reason != "" {
		d.fault(path, "%s", reason)
	}
}

func (s *Server) renameField(ctx context.Context, c caller, in *struct {
	Key  string `path:"key" maxLength:"100" doc:"The field's key, in any case."`
	JSON body[renameFieldJSON]
},
) (*shownField, error) {
	key, err := s.knownKey(in.Key)
	if err != nil {
		return nil, err
	}
	if asked := &in.JSON.value.Name; asked.set {
		d := &decoder{}
		if d.label("name", asked.value); len(d.faults) > 0 {
			return nil, invalidField("name", d.faults[0].Reason)
		}
		if err := s.store.RenameField(ctx, c.account(), key, asked.value, c.actor()); err != nil {
			return nil, err
		}
	}
	fields, err := s.store.Fields(ctx, c.account())
	if err != nil {
		return nil, err
	}
	for i := range fields {
		if fields[i].Key == key {
			return &shownField{fieldView(&fields[i])}, nil
		}
	}
	return nil, tidings.Errorf(tidings.CodeNotFound, "there is no field %s", key)
}

func (s *Server) deleteField(ctx context.Context, c caller, in *fieldPath) (*struct{}, error) {
	key, err := s.knownKey(in.Key)
	if err != nil {
		return nil, err
	}
	users, err := s.fieldUsers(ctx, c.account(), key)
	if err != nil {
		return nil, err
	}
	if err := inUse("field", users); err != nil {
		return nil, err
	}
	return nil, s.store.DeleteField(ctx, c.account(), key, c.actor())
}

// knownKey reads the key of a path; what can't be one is not there.
func (s *Server) knownKey(text string) (tidings.FieldKey, error) {
	key, reason := tidings.CheckFieldKey(text)
	if reason != "" {
		return "", tidings.Errorf(tidings.CodeNotFound, "there is no field %q", text)
	}
	return key, nil
}
