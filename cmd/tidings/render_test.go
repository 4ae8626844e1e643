package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// renderFiles are what the cases below call by name.
var renderFiles = map[string]string{
	"hi.vm":      "Hello $!{name|'friend'}, $city!\n",
	"bad.vm":     "Dear $name,\n#if($x == )\nyes #end\n",
	"throws.vm":  "one\n\t$name.substring(9) ok\n",
	"sum.vm":     "$number.format('#,##0.00', 1234.5) $date.format('dd MMMM HH:mm', 0)\n",
	"message.vm": "%NAME|you%, #foreach($i in $l)$velocityCount#end",
	"marked.vm":  "\ufeff#if(true)\nx\n#end\n",
	"refs.vm":    "$!{user.name} #set($x = $a)${x|'d'} %CODE%\n#foreach($i in $list)$i#end",
	"ok.json":    `{"name": "Olena", "city": "Kyiv", "l": [1, 2], "NAME": "Ira"}`,
	"broken.json": `{
  "name": "Olena",
  "city" "Kyiv"
}`,
	"list.json":   `["Olena"]`,
	"marked.json": "\ufeff{\"name\":\"Olena\"}",
}

func TestRender(t *testing.T) {
	cases := []struct {
		name, args, stdin string
		code              int
		out, err          string
	}{
		{"prints the output", "-t hi.vm -d ok.json", "", exitOK, "Hello Olena, Kyiv!\n", ""},
		{"does without a context", "-t hi.vm", "", exitOK, "Hello friend, $city!\n", ""},
		{"reads the template from standard input", "-t - -d ok.json", "$name$l", exitOK, "Olena[1, 2]", ""},
		{"reads the context from standard input", "-t hi.vm -d -", `{"city":"Lviv"}`, exitOK, "Hello friend, Lviv!\n", ""},
		{"puts numbers and dates into a locale and a zone", "-t sum.vm --locale uk-UA --zone Europe/Kyiv", "", exitOK, "1\u00a0234,50 01 січня 03:00\n", ""},
		{"leaves merge tags alone", "-t message.vm -d ok.json", "", exitOK, "%NAME|you%, $velocityCount$velocityCount", ""},
		{"reads messages", "-t message.vm -d ok.json --message", "", exitOK, "Ira, 12", ""},
		{"does without the marks of editors", "-t marked.vm -d marked.json", "", exitOK, "x\n", ""},
		{
			"lists references", "-t refs.vm --refs --message", "", exitOK, "" +
				"1:1   $!{user.name}  user.name  quiet\n" +
				"1:20  $x             x          set here\n" +
				"1:25  $a             a          \n" +
				"1:28  ${x|'d'}       x          has a default, of the template\n" +
				"1:37  %CODE%         CODE       merge tag, quiet\n" +
				"2:10  $i             i          set here\n" +
				"2:16  $list          list       \n" +
				"2:22  $i             i          of the template\n", "",
		},

		{"shows what can't be read", "-t bad.vm -d ok.json", "", exitFailed, "", "bad.vm:2:11: unexpected \")\", want a value\n  #if($x == )\n            ^\n"},
		{
			"shows what fails, and prints nothing of the output", "-t throws.vm -d ok.json", "", exitFailed, "",
			"throws.vm:2:15: substring threw java.lang.StringIndexOutOfBoundsException: begin 9, end 5, length 5\n          $name.substring(9) ok\n                ^\n",
		},
		{"names standard input", "-t -", "#if(", exitFailed, "", "<stdin>:1:5: unexpected end of the template, want a value\n  #if(\n      ^\n"},
		{"is strict when told to", "-t hi.vm --strict", "", exitFailed, "", "hi.vm:1:26: the variable city is not set\n  Hello $!{name|'friend'}, $city!\n                           ^\n"},

		{"wants a template", "-d ok.json", "", exitUsage, "", "--template"},
		{"names a template that is not there", "-t none.vm", "", exitUsage, "", "tidings: the template: open none.vm: no such file"},
		{"names a context that is not there", "-t hi.vm -d none.json", "", exitUsage, "", "tidings: the context: open none.json: no such file"},
		{"places errors of JSON", "-t hi.vm -d broken.json", "", exitUsage, "", "tidings: the context broken.json: JSON, line 3, column 10: "},
		{"wants an object", "-t hi.vm -d list.json", "", exitUsage, "", "tidings: the context list.json: want a JSON object"},
		{"wants a known locale", "-t hi.vm --locale xx_XX", "", exitUsage, "", `tidings: --locale: "xx_XX" is not known; known are az_AZ, `},
		{"wants a known zone", "-t hi.vm --zone Mars/Crater", "", exitUsage, "", `tidings: --zone: "Mars/Crater" is not known`},
		{"reads standard input once", "-t - -d -", "", exitUsage, "", "only one of template and context"},
	}
	dir := t.TempDir()
	for name, text := range renderFiles {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var out, errs strings.Builder
			code := run(t.Context(), strings.Fields("render "+c.args), terminal{in: strings.NewReader(c.stdin), out: &out, err: &errs})
			if code != c.code || out.String() != c.out || !strings.Contains(errs.String(), c.err) || (c.code == exitFailed && errs.String() != c.err) {
				t.Errorf("ended with %d\n%q\n%q\nwant %d\n%q\n%q", code, out.String(), errs.String(), c.code, c.out, c.err)
			}
		})
	}
}

// TestExamplesOfTheManualPrintWhatItSays renders every example of docs/templates.md.
func TestExamplesOfTheManualPrintWhatItSays(t *testing.T) {
	text, err := os.ReadFile("../../docs/templates.md")
	if err != nil {
		t.Fatal(err)
	}
	data := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(text)
	if data == nil {
		t.Fatal("the manual has no data")
	}
	context := filepath.Join(t.TempDir(), "context.json")
	if err := os.WriteFile(context, data[1], 0o600); err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```velocity\n(.*?)```\n+```text\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if written := strings.Count(string(text), "```velocity\n"); len(examples) != written || written < 9 {
		t.Fatalf("%d of %d examples have their output behind them", len(examples), written)
	}
	for _, example := range examples {
		var out, errs strings.Builder
		term := terminal{in: strings.NewReader(example[1]), out: &out, err: &errs}
		if run(t.Context(), []string{"render", "--message", "-t", "-", "-d", context}, term); out.String() != example[2] {
			t.Errorf("%s prints\n%s%s\nand the manual says\n%s", example[1], out.String(), errs.String(), example[2])
		}
	}
}
