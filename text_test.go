package tidings

import "testing"

func TestTextsAreCutBetweenCharacters(t *testing.T) {
	tests := []struct {
		text string
		most int
		want string
	}{
		{"", 0, ""},
		{"abc", 3, "abc"},
		{"abc", 2, "ab"},
		{"Київ", 8, "Київ"},
		{"Київ", 7, "Киї"},
		{"Київ", 1, ""},
		{"a€", 3, "a"},
		{"a€", 4, "a€"},
	}
	for _, tt := range tests {
		if got := CutText(tt.text, tt.most); got != tt.want {
			t.Errorf("%q cut to %d bytes is %q, not %q", tt.text, tt.most, got, tt.want)
		}
	}
}
