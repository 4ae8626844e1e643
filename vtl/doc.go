/*
Package vtl reads and renders templates of the Velocity Template Language, the
language of messages and of webhooks in workflows. It follows Apache Velocity 2.5
in its white space mode "lines", corner for corner, and is safe against templates
that mean harm. It knows nothing of the host: data comes in as values, methods come
from fixed tables, and there is no reflection, no file and no network.

	tmpl, err := vtl.Parse("welcome", "Hello $!{name|'friend'}!", vtl.Options{})
	vars, err := vtl.ParseJSON([]byte(`{"name": "Olena"}`))
	out, err := tmpl.Render(nil, vars.Map(), &vtl.RenderOptions{Tools: vtl.StandardTools()})

A Template never changes and may be used by many goroutines at once. Every error is
an *Error with template, line and column.

The files are the steps: lex*.go turn the source into tokens, parse*.go the tokens
into the nodes of node.go, which print themselves back as the source; exec*.go write
the nodes, eval*.go, number.go and compare.go find values, methods*.go hold what
values can do, budget.go what a render may use. value.go, list.go and map.go are the
values, tool.go is the contract of tools, tool_*.go are the tools.

# References

	$name            the variable name
	${name}          the same, where letters follow
	$!name $!{name}  the same, printing nothing if there is no value
	$a.b             a property: the key b of a map; for other values the method
	                 getB(), isB() or b() without arguments
	$a.b(1, 'x')     a method
	$a[0] $a['k']    an element; $a[-1] is the last one
	${a|'x'}         a, or 'x' if a is null, false, 0, '', [] or {}

A reference without a value prints its own source, with all steps and arguments:
$user.nick stays $user.nick. A name is a letter or underscore, then letters, digits
and underscores; what can't be part of a reference ends it ($name-x, $user.1, $a..b).
$5.00, $, ${} and the like are text. \$name prints $name if the variable has a
value, else \$name.

Methods are chosen by the classes of the arguments, strictly as in Java: where no
signature fits ($s.substring('7'), $l.get('0')) the value is null. A method that
throws ($s.substring(99), $l.get(10), $l[10]) ends the render with an error at its
name, also behind $!.

# Values

	text             "abc"       String: lengths and indices count UTF-16 units
	whole numbers    1           Integer, Long, BigInteger: as small as they can be
	                             when read; arithmetic widens them, never narrows
	fractions        1.5 1e3     Double
	                 true false  Boolean
	lists            [1, 'b']    changeable; [1..3] is lazy and can't be changed
	maps             {'k': 1}    keep the order of keys; 1 and '1' are different keys
	nothing          null        can't be written: an undefined variable is null

Double quotes read references and directives inside of them, and \u0041; single
quotes do not. A doubled quote stands for itself ("say ""hi"""). There are no other
escapes, and no methods on literals.

What is false: null, false, 0, the empty string, the empty list, the empty map, and
objects that say so. All else is true, ' ', '0' and 'false' too.

# Expressions

By rising precedence: || or; && and; == != eq ne; < > <= >= lt gt le ge; + -; * / %;
! not and the minus of one operand; parentheses.

Arithmetic on whole numbers stays whole (7/2 is 3) and grows to Long and BigInteger
as needed. A division by zero gives null, and #set of a null unsets the variable. +
with a string on either side joins text; a null joins as its source. A string that
reads as a number counts as a Double elsewhere ('5' * 5 is 25.0). -1 is one word:
$n -1 is an error, $n - 1 is not.

== compares numbers by value, also with text ('5' == 5.0), texts as they are, values
of one class by content, and all others by what they print. < and its like compare
numbers and what reads as one; anything else is false. && and || give true or false,
never an operand.

# Directives

	#set($a = 1) #set($a.b = 1) #set($a[0] = 1)
	#if(x) ... #elseif(y) ... #else ... #end
	#foreach($i in $list) ... #else ... #end     #else: there was nothing to go over
	#macro(name $a $b='x') ... #end              #name(1 'y'), #@name(1) body #end
	#define($d) ... #end                         runs each time $d is written
	#evaluate($text)                             runs text as template
	#parse('name') #include('name')              from RenderOptions.Load, .Include
	#break #stop                                 end the loop (macro, part), everything
	## to the end of the line, #* between *#     comments
	#[[ raw text ]]#

#{else} and the like stand where letters follow. A directive's name that is no
directive and no macro is text, and so is #fff or #anchor. \#if prints #if.

#foreach goes over lists, the values of maps, and what tools make iterable; over
anything else not at all. Inside, $foreach has index, count, hasNext, first, last,
parent and topmost; with Options.VelocityCount there is $velocityCount too. The loop
variable gets its old value back; other variables keep what the loop set.

Macros may be called before they are defined; the first definition of a name stays.
Arguments are values, evaluated once; no operators may stand among them. Parameters
are variables that get their old values back. $bodyContent is the body of #@name.

A line that holds one directive and blanks only disappears with its end; so does the
line of a macro call, #evaluate or #parse. The blanks before a directive that begins a
line always go. Comments of one line take the line's end with them. All other white
space stays.

# Merge tags

With Options.MergeTags, %NAME% and %NAME|default% are the value of the variable NAME,
or the default if it is null or empty, in text and in quoted strings. The value is
text: it is never read as template. %D0 and the like, two hexadecimal digits, are no
tags but bytes of an address.

# What differs from Java

  - There is no way to the host: class, getClass, Runtime do not exist; they are null.
  - Methods are those that templates use: see methods_string.go, methods_list.go,
    methods_map.go, methods_number.go and the tools. Any other is null.
  - Regular expressions are those of RE2: lookaround, back-references and possessive
    quantifiers are an error where they are used. They never backtrack.
  - $sorter.sort over Integers and Doubles compares numerically; in Java it gives null.
  - $json.parse keeps the order of keys.
  - What a template changes is its own copy; the host's values never change.
  - Lists and maps as keys of a map are told apart by identity, not by content.
  - Values in a circle are an error when printed, not the end of the process.
  - Every render has a budget, see Limits: an error where Java runs on or dies.
  - In a strict render only a reference that is written must have a value.
  - A regular expression finds nothing between the halves of a surrogate pair.
  - What takes quadratic time in Java is bounded: the digits of literals and of numbers
    in JSON, the patterns of dates and numbers, choices within choices ($display.message).

# Limits

A hostile template can use no more than its budget: steps, loop turns, output,
memory, the size of strings and collections, depth, bits of integers, regular
expressions, and time by the context. Each limit has a kind of error of its own.
All but time are exact: the same template on the same data ends at the same place.
*/
package vtl
