package publicapi

import "tidings"

// AppendRow is appendRow, for its fuzz target.
func AppendRow(buf []byte, row tidings.Found) []byte { return appendRow(buf, row) }
