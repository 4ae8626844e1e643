package vtl

// Template is a parsed template.
type Template struct{ name string }
