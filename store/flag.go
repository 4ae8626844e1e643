package store

import (
	"database/sql/driver"
	"fmt"
)

// flag is a bool as both engines keep it: an integer, 0 or 1.
type flag bool

// Value gives what is stored.
func (f flag) Value() (driver.Value, error) {
	if f {
		return int64(1), nil
	}
	return int64(0), nil
}

// Scan reads what was stored.
func (f *flag) Scan(stored any) error {
	n, ok := stored.(int64)
	if !ok {
		return fmt.Errorf("a flag is stored as %T", stored)
	}
	*f = n != 0
	return nil
}
