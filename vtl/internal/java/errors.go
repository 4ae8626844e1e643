package java

import "errors"

// ErrTooLong reports that a result would pass the max that the caller gave.
var ErrTooLong = errors.New("the text would be too long")

// Char is a Java char printed by %c and by string conversion.
type Char rune

// Date is an instant in milliseconds since 1970 UTC, as an argument of Format
// and Message.
type Date int64
