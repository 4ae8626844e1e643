// Package java does what the parts of the Java library do that a Velocity
// template can see: it prints numbers and dates, parses them, formats strings
// and translates regular expressions as Java 17 does. It is pure: functions of
// their arguments, no clock, no input or output, no state of its own. It knows
// nothing of templates; values come in as plain Go types.
//
// Strings are UTF-8. Lengths and indices that a template sees are UTF-16 units,
// as in Java. A cut through a surrogate pair leaves half of it in WTF-8, three
// bytes; joining halves and writing '?' for one that stays alone is the caller's.
//
// Text that grows with an argument (a width, a replacement) is bounded by a
// max argument in bytes; past it the function stops and returns ErrTooLong.
//
// Strings (utf16.go, text.go):
//
//	Len(s string) int                                  String.length
//	Substring(s string, from, to int) (string, bool)   false: out of range
//	CharAt(s string, i int) (string, bool)             one unit as a string
//	ByteOffset(s string, unit int) int                 unit index -> byte index, -1: out of range
//	UnitOffset(s string, b int) int                    byte index -> unit index
//	IndexOf(s, sub string, from int) int               units, -1: absent
//	LastIndexOf(s, sub string, from int) int
//	StartsWithAt(s, prefix string, at int) bool
//	CodePointAt(s string, i int) (int32, bool)
//	ToUpper(s string) string, ToLower(s string) string locale-neutral, with ß -> SS and final sigma
//	(*Locale).ToUpper, (*Locale).ToLower               tr, az and lt rules
//	Trim(s), Strip(s), StripLeading(s), StripTrailing(s string) string; IsBlank(s string) bool
//	Compare(a, b string) int, CompareIgnoreCase(a, b string) int, EqualsIgnoreCase(a, b string) bool
//	HashCode(s string) int32
//	Replace(s, old, repl string, max int) (string, error)   String.replace, also with an empty old
//	Repeat(s string, n, max int) (string, error)
//	Indent(s string, n, max int) (string, error)
//
// Numbers (double.go, bigdigits.go, parse.go):
//
//	AppendDouble(dst []byte, f float64) []byte         Double.toString
//	AppendFloat(dst []byte, f float32) []byte          Float.toString
//	ParseInt(s string, radix int) (int32, bool), ParseLong(s string, radix int) (int64, bool)
//	ParseDouble(s string) (float64, bool)              Double.parseDouble
//	DoubleToInt(f float64) int32, DoubleToLong(f float64) int64   casts that saturate, NaN is 0
//	Round(f float64) int64                             Math.round
//	Pow(x, y float64) float64                          Math.pow
//	DoubleHash(f float64) int32, LongHash(n int64) int32
//
// Number formats (number_pattern.go, number_format.go, number_parse.go):
//
//	ParseNumberFormat(pattern string, l *Locale) (NumberFormat, error)   DecimalFormat
//	(*Locale).Number, Currency, Percent, Integer() NumberFormat
//	(*NumberFormat).AppendDouble, AppendLong, AppendBig, AppendDecimal(dst, n) []byte
//	(*NumberFormat).Parse(s string) (Num, bool)        prefix parse: Num is a Long or a Double
//
// Dates (calendar.go, calendar_set.go, date_pattern.go, date_format.go,
// date_parse.go): a date is int64 milliseconds since 1970 UTC.
//
//	ParseDateFormat(pattern string, l *Locale) (DateFormat, error)       SimpleDateFormat
//	(*Locale).DateStyle(date, time Style) DateFormat
//	(*DateFormat).Append(dst []byte, ms int64, zone *time.Location) []byte
//	(*DateFormat).Parse(s string, zone *time.Location, now int64) (ms int64, ok bool)  lenient, prefix;
//	  now places two-digit years
//	AppendDate(dst []byte, ms int64, zone *time.Location) []byte         Date.toString
//	FieldsOf(ms int64, zone *time.Location) Fields; (Fields).Millis(zone) int64   lenient
//
// Formatting (formatter.go, formatter_number.go, message.go):
//
//	Printer{Locale, Zone, Max}.Format(format string, args []any) (string, error)     String.format
//	Printer{Locale, Zone, Max}.Message(pattern string, args []any) (string, error)   MessageFormat.format
//
// Regular expressions (regex.go, regex_translate.go, regex_class.go, regex_vm.go):
//
//	NewRegexCache(size int) *RegexCache                safe for concurrent use; owned by the caller
//	(*RegexCache).Compile(pattern string) (*Regex, error)
//	(*Regex).Matches(s string, b Bounds) (bool, error) the whole string, String.matches
//	(*Regex).ReplaceAll, ReplaceFirst(s, repl string, b Bounds) (string, error)
//	(*Regex).Split(s string, limit int, b Bounds) ([]string, error)
//
// Bounds hold the most bytes, the most pieces and the function that takes steps
// from the budget of the render. A *RegexError says why a pattern was refused:
// its syntax, its size, or a construct that needs backtracking (lookaround,
// back-reference, possessive quantifier).
//
// Escapes (escape.go): each appends the escaped s to dst.
//
//	AppendHTML, AppendXML, AppendJavaScript, AppendJSON, AppendJava, AppendURL, AppendSQL (dst []byte, s string) []byte
//	UnescapeURL(s string) (string, bool)
//
// Locales (locale.go, locale_data*.go, zone_data.go): LookupLocale(tag string)
// *Locale finds "uk", "uk_UA", "uk-UA"; what is not known falls back to the
// language, then to en_US.
//
// The testdata was made by Java 17 itself.
package java
