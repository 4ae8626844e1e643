package call

import (
	"fmt"
	"strings"
	"testing"

	"tidings"
	"tidings/scope"
	"tidings/vtl"
)

func TestNamesMeanWhatTheRulesSay(t *testing.T) {
	bonus := func(text string) tidings.ContactField {
		return tidings.ContactField{Key: "PERSONAL.BONUS", Value: tidings.FieldValue{Type: tidings.FieldNumber, Text: text}}
	}
	contact := contactOf("Київ", "ann@example.com", bonus("1e3"),
		tidings.ContactField{Key: "PERSONAL.VIP", Value: tidings.FieldValue{Type: tidings.FieldBool, Text: "true"}},
		tidings.ContactField{Key: "BORN", Value: tidings.FieldValue{Type: tidings.FieldDate, Text: "1990-05-01"}},
		tidings.ContactField{Key: "A.B.C", Value: tidings.FieldValue{Type: tidings.FieldText, Text: "deep"}})
	event := eventOf(t, `{"Town":"of the event","date":"2026-01-31","data":"hidden","order id":"7","items":[{"id":1}],"WH":"a parameter","Email":"other@example.com"}`)
	wh, _ := vtl.ParseJSON([]byte(`{"code":"K1"}`))
	s := scope.Scope{Event: event, Contact: contact, Instance: "wi-1", Replies: []scope.NamedReply{{Name: "WH", Value: wh}, {Name: "Мій №1", Value: vtl.String("x")}}}
	tests := []struct{ source, want string }{
		{"$Town $TOWN $town ${city}", "of the event Київ Київ Київ"}, // the parameter wins in just its own case
		{"$email $EMAIL $Email $phone $sms $name $FIRSTNAME", "ann@example.com ann@example.com other@example.com 380671234567 380671234567 Олена Олена"},
		{"$contact_ID $contactId $contact.id $contact.TOWN $contact.get('first_name')", "687266822 687266822 687266822 Київ Олена"},
		{"$date $mathTool.add($PERSONAL.BONUS, 1)", "2026-01-31 1001"}, // a parameter hides a tool
		{"$PERSONAL.BONUS $personal.vip $Contact.x", ""},
		{"#if($PERSONAL.VIP == true)vip#end $BORN $a.b.c %A.B.C% $A.get('b').get('C')", "vip 1990-05-01 deep deep deep"},
		{"$data.get('order id') $data.items.get(0).id $data.WH.code $data.get('WH').get('code') $data.get('Мій №1')", "7 1 K1 K1 x"},
		{"$data.data $event.keyValue $event.eventTypeKey $event.id $event.Town $event.params.Town $event.get('order id')", "hidden k-1 orderPaid 7 of the event of the event 7"},
		{"$workflowInstanceId", "wi-1"},
		{"$WORKFLOWINSTANCEID", ""},
		{"$Data.x", ""},
		{"%TOWN% %Town|x% %NONE|y%%NONE%", "Київ of the event y"},
		{"$class $contact.class.forName('x')", ""},
		{"$!contact.class$!contact.getClass()$!event.account$!contact.account$!data.getClass()", ""},
		{"#set($contact = 5)#set($data.WH.code = 'changed')$contact $data.WH.code", "5 changed"},
		{"$data.WH.code", "K1"},
	}
	for _, tt := range tests {
		got, problem := rendering(t, "text", tt.source, s)
		if refused := tt.want == "" && !strings.Contains(tt.source, "$!"); got != tt.want || (problem != nil) != refused {
			t.Errorf("%s gives %q, %v; want %q", tt.source, got, problem, tt.want)
		}
	}
}

func TestNumbersOfFieldsAreExact(t *testing.T) {
	tests := []struct{ text, json string }{
		{"5", "5"},
		{"-3", "-3"},
		{"2147483648", "2147483648"},
		{"123456789012345678901234567890", "123456789012345678901234567890"},
		{"1.5", "1.5"},
		{"12.50", "12.50"},
		{"0.1", "0.1"},
		{"12345678901234567.89", "12345678901234567.89"},
		{"-0.010", "-0.010"},
	}
	for _, tt := range tests {
		c := contactOf("", "", tidings.ContactField{Key: "N", Value: tidings.FieldValue{Type: tidings.FieldNumber, Text: tt.text}})
		got, problem := rendering(t, "json", `[$N]`, scope.Scope{Contact: c})
		if problem != nil || got != "["+tt.json+"]" {
			t.Errorf("%s is sent as %s, %v", tt.text, got, problem)
		}
	}
}

func TestInputsAreFoundWithoutRunning(t *testing.T) {
	w := &tidings.Webhook{
		Method: tidings.MethodPost, URL: "https://example.com/$order_id?e=$!email&c=${TOWN}",
		Headers: []tidings.Header{{Name: "X-A", Value: "$workflowInstanceId"}},
		Body: tidings.Body{Format: tidings.BodyJSON, Template: `#set($x = $data.get('WH5').get('promocode'))#foreach($i in $items)$i.id#end
{"x":"$x","p":"$data.get('param')","b":$PERSONAL.BONUS,"g":"%PERSONAL.BONUS|0%","c":"$contact.lastname","v":"$event.params.total","k":"$event.keyValue",
"t":"$town","m":"$mathTool.add(1,$order_id)","d":"${name|'x'}"}`},
	}
	in, err := FindInputs(w, Known{Fields: []tidings.FieldKey{"PERSONAL.BONUS"}, Webhooks: []string{"WH5"}})
	if err != nil {
		t.Fatal(err)
	}
	show := func(list []Input) string {
		var names []string
		for _, i := range list {
			names = append(names, fmt.Sprintf("%s required=%v either=%v uses=%d", i.Name, i.Required, i.Either, len(i.Uses)))
		}
		return strings.Join(names, "; ")
	}
	for got, want := range map[string]string{
		show(in.Contact): "EMAIL required=false either=true uses=1; TOWN required=true either=true uses=2; PERSONAL.BONUS required=true either=true uses=2; " +
			"LASTNAME required=true either=false uses=1; NAME required=false either=true uses=1",
		show(in.Event):   "order_id required=true either=false uses=2; items required=true either=false uses=1; param required=true either=false uses=1; total required=true either=false uses=1",
		show(in.Replies): "WH5 required=true either=false uses=1",
	} {
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if !in.Instance || in.WholeContact || !in.WholeEvent || in.WholeData || !in.NeedsContact() || !in.NeedsEvent() {
		t.Errorf("found %+v", in)
	}
	if use := in.Event[0].Uses[0]; use != (Use{PartURL, "$order_id", 1, 21}) {
		t.Errorf("the use is %+v", use)
	}
	none, err := FindInputs(&tidings.Webhook{URL: "https://example.com/?x=$math.add(1,1)"}, Known{})
	if err != nil || none.NeedsContact() || none.NeedsEvent() {
		t.Errorf("found %+v, %v", none, err)
	}
	if _, err := FindInputs(&tidings.Webhook{URL: "https://example.com/${x"}, Known{}); err == nil {
		t.Error("a broken template has inputs")
	}
}
