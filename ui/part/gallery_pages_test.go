package part

import (
	"context"
	"io"
	"math"
	"time"

	"github.com/a-h/templ"
)

// in puts components within another, as a template's braces do.
func in(c templ.Component, children ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return c.Render(templ.WithChildren(ctx, templ.Join(children...)), w)
	})
}

// text is an escaped text.
func text(s string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, templ.EscapeString(s))
		return err
	})
}

// postForm is a form around components.
func postForm(children ...templ.Component) templ.Component {
	parts := append([]templ.Component{templ.Raw(`<form class="stack" method="post" action="/save" data-guard>`)}, children...)
	return templ.Join(append(parts, templ.Raw(`</form>`))...)
}

func wave(n int, base, swing, phase float64) []float64 {
	points := make([]float64, n)
	for i := range points {
		points[i] = base + swing*math.Sin(phase+float64(i)/9) + swing/3*math.Sin(float64(i)*1.7)
	}
	return points
}

func hours(n int) []string {
	labels := make([]string, n)
	for i := range labels {
		labels[i] = ago(time.Duration(n-i) * 5 * time.Minute).Format("15:04")
	}
	return labels
}

func endpointMenu() templ.Component {
	return in(Menu("Acts on orders-hook"), MenuLink("Rotate the secret…", "/rotate"), MenuOpen("Skip the head…", "skip", Danger), MenuOpen("Delete…", "skip", Danger), MenuButton(ButtonView{Label: "Deactivate", Attrs: templ.Attributes{"hx-post": "/off"}}))
}

func galleryEndpoint(v ShellView) templ.Component {
	c := clock()
	arriving, delivered := wave(288, 80, 40, 0), wave(288, 80, 40, -.3)
	for i := 280; i < 288; i++ {
		delivered[i] = 0
	}
	return in(
		Shell(v),
		in(
			Card(CardView{}),
			in(Row(), Status(Bad, "blocked for 14 min"), in(monoText(), text("https://crm.example/hook"))),
			Lane(LaneView{Delivered: 1204331, Head: 1205534, Oldest: "14 min", Blocked: true, Clock: c}),
			in(Note(Bad), text(`Attempt 5 answered 503 Service Unavailable in 0.2 s: "maintenance until 12:00". Next try in `), Countdown(c, c.Now.Add(462*time.Second)), text(". If it answers then, the backlog is empty about 3 s later.")),
		),
		in(
			Columns(),
			in(Card(CardView{}), AreaChart(ChartView{Title: "Arriving and delivered, last day", Unit: "per minute", Labels: hours(288), Series: []Series{{"arriving", arriving}, {"delivered", delivered}}})),
			in(Card(CardView{}), AreaChart(ChartView{Title: "Answer time", Unit: "ms", Labels: hours(288), Series: []Series{{"p50", wave(288, 40, 8, 1)}, {"p99", wave(288, 140, 60, 2)}}})),
		),
		Tabs("Views of orders-hook", []Tab{{Label: "Attempts", Href: "?", On: true, Count: "12"}, {Label: "Live", Href: "?live"}, {Label: "Settings", Href: "?settings"}}),
		in(Card(CardView{Flush: true}), attemptTable(c), Pager(PagerView{Next: "?after=5", Summary: "5 shown"})),
		in(Dialog(DialogView{ID: "skip", Title: "Skip 37 activities"}), ConfirmForm(ConfirmView{Action: "/skip", Lost: "Activities seq 812-848 will not be delivered.", Reason: true, Button: "Skip 37 activities", Cancel: "/back", Hidden: []Hidden{{"seq", "848"}}})),
	)
}

// monoText is a span of an address.
func monoText() templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		children := templ.GetChildren(ctx)
		return templ.Join(templ.Raw(`<span class="mono">`), children, templ.Raw(`</span>`)).Render(templ.ClearChildren(ctx), w)
	})
}

func attemptTable(c Clock) templ.Component {
	columns := []Column{{Label: "Time", Sort: "?sort=time", Sorted: "descending"}, {Label: "Batch"}, {Label: "Status"}, {Label: "ms", Numeric: true, Sort: "?sort=ms"}, {Label: "What it said"}, {Label: "Acts", Hidden: true}}
	var rows []templ.Component
	for i, said := range []string{"maintenance until 12:00", "maintenance until 12:00", "", "upstream connect error or disconnect/reset before headers", "ok"} {
		status := Status(Bad, "503 Service Unavailable")
		if i == 2 {
			status = Status(Bad, "timed out after 15 s")
		} else if i == 4 {
			status = Status(Good, "200 OK")
		}
		rows = append(rows, in(TableRow(RowView{}),
			in(HeadCell("Time", "/attempts/1"), Time(c, ago(time.Duration(i*i+1)*time.Minute))),
			in(MonoCell("Batch"), Middle("1204332-1204831-5f0c2a9e77", 17)),
			in(Cell("Status"), status),
			in(NumCell("ms"), text(c.Number(int64(214+i*3021)))),
			in(Cell("What it said"), text(said)),
			in(ActCell(), in(Menu("Acts on the attempt"), MenuLink("Request as cURL", "/curl")))))
	}
	return in(Table(TableView{Caption: "Attempts", Columns: columns}), rows...)
}

func galleryForms(v ShellView) templ.Component {
	v.Title, v.Purpose, v.Path, v.Crumbs = "Webhook WH5", "A request to an outside system, sent by Webhook blocks of workflows.", "/webhooks/5", []Link{{"Webhooks", "/webhooks"}}
	v.Flash, v.Actions = nil, LinkButton("Deleted ones", "/webhooks?deleted", Plain)
	const body = "{\n  \"email\": \"${email}\",\n  \"items\": $event.items.size(),\n  \"code\": \"$!data.get('WH5').code\", ## the last reply\n  \"vip\": true,\n  \"total\": 12.50\n}"
	methods := []Option{{Value: "GET", Label: "GET"}, {Value: "POST", Label: "POST"}}
	resume := []Option{{Value: "continue", Label: "Go on where it stopped", Note: "1,203 activities are delivered first."}, {Value: "now", Label: "Start with what arrives now", Note: "1,203 activities are never delivered."}}
	return in(
		Shell(v),
		Steps([]Step{{"Contact", StepDone, "?step=1"}, {"Event", StepNow, ""}, {"Request", StepAhead, ""}, {"Reply", StepAhead, ""}}),
		in(
			Split(),
			in(
				Card(CardView{Title: "Request", Text: "What is sent"}),
				postForm(
					in(Fields(), Input(FieldView{Name: "name", Label: "Name", Value: "WH5", Required: true, Hint: "Its reply is $data.get('WH5')"}), Select(FieldView{Name: "method", Label: "Method", Value: "POST", Options: methods, Hint: "GET has no body"})),
					Input(FieldView{Name: "url", Label: "URL", Type: "url", Mono: true, Value: "http://crm.example/promo", Error: "The URL must begin with https://", Picker: "vars"}),
					CodeField(CodeFieldView{FieldView: FieldView{Name: "body", Label: "Body", Value: body, Picker: "vars", Error: "Line 3: $event.items has no value in this event."}, Language: "json", ErrorLine: 3}),
					Textarea(FieldView{Name: "description", Label: "Description", Optional: true, Rows: 2, Placeholder: "What it is for"}),
					SearchSelect(SearchSelectView{FieldView: FieldView{Name: "contact", Label: "Contact", Value: "17", Options: []Option{{Value: "17", Label: "Ann"}}}, Text: "ann@acme.example", Source: "/contacts/pick"}),
					in(Actions(), Button(ButtonView{Label: "Save", Kind: Primary, Busy: "Checking…"}), LinkButton("Send test", "/test", Secondary), LinkButton("Cancel", "/webhooks", Plain)),
				),
			),
			in(
				Stack(),
				in(
					Section(SectionView{Title: "Webhooks", Summary: "1 address", Open: true}),
					Toggle(FieldView{Name: "enabled", Label: "Webhooks", Checked: true, Hint: "All activities are sent to the addresses below."}),
					Toggle(FieldView{Name: "linger", Label: "Wait for more"}),
					Checkbox(FieldView{Name: "any2xx", Label: "Take any 2xx for success", Hint: "Only 200 counts otherwise."}),
					CheckGroup(FieldView{Name: "status", Label: "Statuses", Values: []string{"READ"}, Options: []Option{{Value: "DELIVERED", Label: "Delivered"}, {Value: "READ", Label: "Read"}, {Value: "SPAM", Label: "Spam"}}}),
					RadioGroup(FieldView{Name: "resume", Label: "Reactivate", Value: "continue", Options: resume}),
				),
				in(Section(SectionView{Title: "Limits", Summary: "500 activities, 1 MiB"}), text("…")),
				in(Note(Good), text("Answered 200 in 84 ms: active.")),
				in(Note(Waiting), text("Nothing is sent until you activate it.")),
				in(Note(Quiet), text("2 messages use this webhook.")),
				in(Fieldset("Buttons", "All kinds"), in(Row(), Button(ButtonView{Label: "Delete", Kind: Danger, Icon: "trash"}), Button(ButtonView{Label: "Off", Disabled: true}), Button(ButtonView{Label: "Small", Small: true, Icon: "plus"}), Button(ButtonView{Label: "Card", Kind: Plain, Icon: "eye", IconOnly: true}), Indicator("spin"), Loading("Loading the reply…"))),
			),
		),
		VariablePicker(PickerView{ID: "vars", For: "Ann Weaver", Groups: []PickerGroup{{"Contact", []PickerRow{{"email", "string", "ann@acme.example", "${email}"}, {"TOWN", "string", "Oslo", "$TOWN"}}}, {"Event", []PickerRow{{"items", "list", "[{…}, {…}]", "$event.items"}}}, {"Earlier webhooks", nil}}}),
		in(Drawer(DialogView{ID: "drawer", Title: "Ann Weaver"}), Toast(Flash{Text: "Added to 3 segments."}), Copy("x", "Copy the URL"), in(Field(FieldView{Name: "own", Label: "Own"}), templ.Raw(`<input id="f-own">`)), templ.Raw(`<div role="listbox" aria-label="Contacts">`), Choices([]Option{{Value: "17", Label: "Ann", Note: "Oslo"}}, "None."), templ.Raw(`</div>`)),
	)
}

func galleryData(v ShellView) templ.Component {
	v.Title, v.Purpose, v.Path, v.Crumbs, v.Actions = "Dashboard", "What is blocked, what moves, what changed.", "/", nil, nil
	reply := []byte(`{"code":"SPRING","value":12.50,"items":[{"id":7,"tags":[]},{"id":8,"name":"Blue <mug>"}],"ok":true,"next":null,"deep":{"a":{"b":{"c":1}}}}`)
	leaf := func([]string) templ.Component {
		return templ.Join(LeafAct("Copy expression", templ.Attributes{"data-copy": "$data.code"}), LeafAct("Save to a contact field", nil))
	}
	return in(
		Shell(v),
		in(Stats(), Stat(StatView{Label: "Blocked", Value: "1", Note: "orders-hook, 14 min", Meaning: Bad, Href: "/settings/laboratory"}), Stat(StatView{Label: "Waiting", Value: "1,203", Note: "oldest 14 min"}), Stat(StatView{Label: "Arriving", Value: "82", Note: "per minute"}), Stat(StatView{Label: "Runs in progress", Value: "318", Note: "all well", Meaning: Good})),
		in(Filters(FiltersView{Action: "/activities", Clear: "/activities", Active: []Chip{{Label: "status: READ", Href: "/activities"}}}), Input(FieldView{Name: "email", Label: "Email", LabelHidden: true, Placeholder: "Email", Type: "search"}), Select(FieldView{Name: "status", Label: "Status", LabelHidden: true, Options: []Option{{Value: "", Label: "Any status"}, {Value: "READ", Label: "Read", Group: "Good"}, {Value: "SPAM", Label: "Spam", Note: "reported", Group: "Bad"}}})),
		Chips("State", []Chip{{Label: "All", Href: "?", On: true, Count: "14"}, {Label: "Failed", Href: "?failed", Count: "2"}}),
		in(
			Columns(),
			in(Card(CardView{Title: "Body of the reply", Actions: Badge(Good, "200")}), JSONTree(JSONTreeView{Label: "Body of the reply", JSON: reply, Leaf: leaf})),
			in(
				Stack(),
				CodeBlock(CodeView{Label: "Request as cURL", Text: "curl -X POST https://crm.example/promo \\\n  -H 'Content-Type: application/json' \\\n  -d '{\"email\":\"ann@acme.example\"}'"}),
				JSONDiff(DiffView{Label: "What changed", Before: []byte(`{"name":"WH5","url":"https://a.example","timeout":10}`), After: []byte(`{"name":"WH5","url":"https://b.example","timeout":10,"note":"new"}`)}),
			),
		),
		in(
			Columns(),
			in(Card(CardView{Title: "Endpoint"}), in(KeyValues(), in(KeyValue("Cursor"), text("1,204,331")), in(KeyValue("Secret"), Middle("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 20)), in(KeyValue("Since"), DateTime(clock(), ago(time.Hour))), in(KeyValue("Last seen"), Time(clock(), time.Time{}))), Progress(ProgressView{Label: "Sending the broadcast", Value: 37, Max: 100, Text: "37 of 100"}), in(Row(), Icon("code"), Sparkline("Delivered per hour", wave(24, 10, 8, 0)), Badge(Waiting, "PENDING"), Badge(Quiet, "POST"), Status(Waiting, "retrying"), Status(Quiet, "deactivated")), Lane(LaneView{Delivered: 10, Head: 10})),
			in(Card(CardView{Title: "Live", Flush: true}), in(Stream(StreamView{URL: "/live", Label: "Live attempts"})), Empty(EmptyView{Title: "No attempts yet", Text: "An attempt is one try to deliver a batch. Send yourself a message to see one.", Action: ButtonView{Label: "Send a test", Href: "/test", Kind: Primary}})),
		),
		AreaChart(ChartView{Title: "Nothing yet", Unit: "per minute"}),
		templ.Raw(`<ul class="hits">`), SearchHit("/webhooks/5", "Webhook", "WH5", "POST crm.example"), templ.Raw(`</ul>`),
	)
}

func gallerySignIn(v BareView) templ.Component {
	return in(Bare(v), postForm(Input(FieldView{Name: "email", Label: "Email", Type: "email", Required: true}), Input(FieldView{Name: "password", Label: "Password", Type: "password", Required: true}), Button(ButtonView{Label: "Sign in", Kind: Primary})))
}
