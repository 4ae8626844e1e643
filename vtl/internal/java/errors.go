package java

import "errors"

// ErrTooLong reports that a result would pass the max that the caller gave.
var ErrTooLong = errors.New("the text would be too long")
