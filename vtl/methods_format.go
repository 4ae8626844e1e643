package vtl

// stringFormat is the static String.format, called on any string.
func stringFormat(c *Call, _ Value, args []Value) (Value, error) {
	if len(args) == 0 || args[0].kind != KindString {
		return Null, nil
	}
	return c.format(args[0].str(), args[1:])
}

func (c *Call) format(pattern string, args []Value) (Value, error) {
	return Null, nil
}
